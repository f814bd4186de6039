# weir_embed_text(OUTPUT NAME FILE...): a C++ file with the files' text, one after another, as the constant NAME. A file that
# changes makes the build configure itself again.
function(weir_embed_text output name)
  set(text "")
  foreach(file ${ARGN})
    file(READ ${file} piece)
    string(APPEND text "${piece}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  endforeach()
  # In two steps, so that what did not change is not built again.
  file(WRITE ${output}.new "constexpr char ${name}[] = R\"WEIR(${text})WEIR\";\n")
  configure_file(${output}.new ${output} COPYONLY)
endfunction()
