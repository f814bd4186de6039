# What `weir new-filter` writes: the files of plugins/templates, as rows of a table for core/server/new_filter.cc. A file that
# changes makes the build configure itself again.
function(weir_embed_templates output)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}/plugins/templates ${CMAKE_SOURCE_DIR}/plugins/templates/*)
  set(rows "")
  foreach(path ${files})
    file(READ ${CMAKE_SOURCE_DIR}/plugins/templates/${path} text)
    string(REGEX MATCH "^[^/]+" language "${path}")
    string(REGEX REPLACE "^[^/]+/" "" name "${path}")
    string(APPEND rows "{\"${language}\", \"${name}\", R\"WEIR(${text})WEIR\"},\n")
    set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/plugins/templates/${path})
  endforeach()
  # In two steps, so that what did not change is not built again.
  file(WRITE ${output}.new "${rows}")
  configure_file(${output}.new ${output} COPYONLY)
endfunction()
