# What `cmake --install` puts where. Plugins stand where the program looks for them beside itself (plugins/loader/search_path.h),
# and the headers where an author's `#include "plugins/sdk/weir.hpp"` finds them with weir's include directory.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

function(weir_install)
  set(package ${CMAKE_INSTALL_LIBDIR}/cmake/weir)
  set(headers ${CMAKE_INSTALL_INCLUDEDIR}/weir)
  get_property(plugins GLOBAL PROPERTY WEIR_PLUGINS)
  # What runs is the component "program", what authors of plugins need is "development".
  install(TARGETS weir RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
  install(TARGETS ${plugins} LIBRARY DESTINATION lib/weir/plugins COMPONENT program
    PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/plugins/abi ${CMAKE_SOURCE_DIR}/plugins/sdk ${CMAKE_SOURCE_DIR}/plugins/util
    DESTINATION ${headers}/plugins COMPONENT development FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp" PATTERN "*.rs")
  set(WEIR_HEADERS ${headers})
  configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/weir-config.cmake.in ${CMAKE_BINARY_DIR}/weir-config.cmake
    INSTALL_DESTINATION ${package} PATH_VARS WEIR_HEADERS CMAKE_INSTALL_BINDIR NO_CHECK_REQUIRED_COMPONENTS_MACRO)
  write_basic_package_version_file(${CMAKE_BINARY_DIR}/weir-config-version.cmake COMPATIBILITY SameMajorVersion)
  # Relative, so that `cmake --install --prefix` and a moved tree are right too.
  file(RELATIVE_PATH WEIR_PREFIX_FROM_PKGCONFIG ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
  string(REGEX REPLACE "/$" "" WEIR_PREFIX_FROM_PKGCONFIG "${WEIR_PREFIX_FROM_PKGCONFIG}")
  configure_file(${CMAKE_SOURCE_DIR}/cmake/weir.pc.in ${CMAKE_BINARY_DIR}/weir.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/weir-config.cmake ${CMAKE_BINARY_DIR}/weir-config-version.cmake
    ${CMAKE_SOURCE_DIR}/cmake/plugin.map DESTINATION ${package} COMPONENT development)
  install(FILES ${CMAKE_BINARY_DIR}/weir.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
endfunction()
