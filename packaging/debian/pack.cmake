# Run while a package is made: what Debian wants packed, in the folder that becomes the package.
set(root "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/share")
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(MAKE_DIRECTORY ${root}/man/man1 ${root}/doc/weir)
file(COPY ${WEIR_SOURCE}/packaging/weir.1 DESTINATION ${root}/man/man1)
file(WRITE ${root}/doc/weir/changelog
  "weir (${WEIR_VERSION}) unstable; urgency=medium\n\n  * See CHANGELOG.md.gz.\n\n -- ${WEIR_CONTACT}  ${date}\n")
configure_file(${WEIR_SOURCE}/CHANGELOG.md ${root}/doc/weir/CHANGELOG.md COPYONLY)
execute_process(COMMAND gzip -9nf ${root}/man/man1/weir.1 ${root}/doc/weir/changelog ${root}/doc/weir/CHANGELOG.md
  COMMAND_ERROR_IS_FATAL ANY)
