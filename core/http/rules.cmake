# Rules of paths and authorities: pure functions on bytes that link nothing.
weir_library(core_http_rules SOURCES ${CMAKE_CURRENT_LIST_DIR}/authority.cc
  ${CMAKE_CURRENT_LIST_DIR}/path.cc)
