# The Debian packages that `cpack` makes of a build: weir, with the service, and weir-dev, for authors of plugins. What only a
# package has (units, the configuration in /etc, documents) is the component "debian", which `cmake --install` leaves away.

function(weir_package_files)
  set(from ${CMAKE_SOURCE_DIR}/packaging)
  set(doc share/doc/weir)
  macro(weir_package_file file)
    install(FILES ${file} ${ARGN} COMPONENT debian EXCLUDE_FROM_ALL)
  endmacro()
  weir_package_file(${from}/debian/weir.yaml DESTINATION /etc/weir)
  weir_package_file(${from}/debian/weir.default DESTINATION /etc/default RENAME weir)
  weir_package_file(${from}/debian/weir.logrotate DESTINATION /etc/logrotate.d RENAME weir)
  weir_package_file("${from}/systemd/weir.service;${from}/systemd/weir.socket" DESTINATION /lib/systemd/system)
  weir_package_file(${from}/systemd/weir.sysusers DESTINATION lib/sysusers.d RENAME weir.conf)
  weir_package_file(${from}/debian/copyright DESTINATION ${doc})
  file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/*.md)
  weir_package_file("${CMAKE_SOURCE_DIR}/README.md;${CMAKE_SOURCE_DIR}/SECURITY.md;${pages}" DESTINATION ${doc})
  file(GLOB examples CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/configs/*.yaml)
  weir_package_file("${examples}" DESTINATION ${doc}/examples)
  install(FILES ${from}/debian/copyright ${CMAKE_SOURCE_DIR}/plugins/README.md ${CMAKE_SOURCE_DIR}/plugins/abi/CHANGELOG.md
    DESTINATION share/doc/weir-dev COMPONENT development EXCLUDE_FROM_ALL)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/examples/plugins/ DESTINATION share/doc/weir-dev/examples COMPONENT development
    EXCLUDE_FROM_ALL)
  # Packed, and dated by SOURCE_DATE_EPOCH where it is set, when the package is made.
  foreach(component debian development)
    install(CODE "set(WEIR_SOURCE \"${CMAKE_SOURCE_DIR}\")
set(WEIR_VERSION \"${PROJECT_VERSION}\")
set(WEIR_CONTACT \"${WEIR_PACKAGE_CONTACT}\")" COMPONENT ${component} EXCLUDE_FROM_ALL)
    install(SCRIPT ${from}/debian/pack.cmake COMPONENT ${component} EXCLUDE_FROM_ALL)
  endforeach()
endfunction()

# A macro: CPack's variables are the caller's.
macro(weir_package)
  # The sources of the container's image are without this folder.
  if(TARGET weir AND EXISTS ${CMAKE_SOURCE_DIR}/packaging)
    set(WEIR_PACKAGE_CONTACT "The Weir authors <weir@localhost>" CACHE STRING "Whom the packages name as their maintainer")
    weir_package_files()
    set(CPACK_GENERATOR DEB)
    set(CPACK_PACKAGE_NAME weir)
    set(CPACK_PACKAGE_CONTACT ${WEIR_PACKAGE_CONTACT})
    set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
    set(CPACK_SET_DESTDIR ON)
    set(CPACK_INSTALL_PREFIX /usr)
    set(CPACK_STRIP_FILES ON)
    set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
      WORLD_READ WORLD_EXECUTE)
    set(CPACK_DEB_COMPONENT_INSTALL ON)
    set(CPACK_COMPONENTS_ALL program debian development)
    set(CPACK_COMPONENT_PROGRAM_GROUP weir)
    set(CPACK_COMPONENT_DEBIAN_GROUP weir)
    set(CPACK_COMPONENT_DEVELOPMENT_GROUP dev)

    set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
    set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
    set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
    set(CPACK_DEBIAN_WEIR_PACKAGE_NAME weir)
    set(CPACK_DEBIAN_WEIR_PACKAGE_SECTION httpd)
    set(CPACK_DEBIAN_WEIR_PACKAGE_SHLIBDEPS ON)
    set(CPACK_DEBIAN_WEIR_PACKAGE_PREDEPENDS "init-system-helpers (>= 1.54~)")
    # dpkg-shlibdeps adds the libraries.
    set(CPACK_DEBIAN_WEIR_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers | systemd-sysusers")
    set(CPACK_DEBIAN_WEIR_PACKAGE_RECOMMENDS ca-certificates)
    set(CPACK_DEBIAN_WEIR_PACKAGE_SUGGESTS logrotate)
    set(CPACK_DEBIAN_WEIR_DESCRIPTION "reverse proxy for HTTP/1.1 and HTTP/2, built as a chain of filters
Weir takes HTTP/1.1 and HTTP/2, clear and over TLS, and passes requests on to
backends that speak either. Protocols, filters and access loggers are plugins
behind one small C header. The configuration is YAML in the shape of Envoy's.

This package has the program, its plugins, and a systemd service.")
    set(scripts ${CMAKE_SOURCE_DIR}/packaging/debian)
    set(CPACK_DEBIAN_WEIR_PACKAGE_CONTROL_EXTRA
      "${scripts}/conffiles;${scripts}/postinst;${scripts}/prerm;${scripts}/postrm")

    set(CPACK_DEBIAN_DEV_PACKAGE_NAME weir-dev)
    set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
    set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "weir (= ${PROJECT_VERSION})")
    set(CPACK_DEBIAN_DEV_PACKAGE_SUGGESTS "g++, cmake, pkg-config")
    set(CPACK_DEBIAN_DEV_DESCRIPTION "headers for plugins of the Weir proxy
The C header that plugins are built on, the C++ and Rust classes on top of it,
a CMake package and a pkg-config file.")
    include(CPack)
  endif()
endmacro()
