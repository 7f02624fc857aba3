# What is installed where, and the Debian packages that CPack makes of it (./dev package). Two
# components: server and cli. Meant for the prefix /usr; /etc and the unit's paths are absolute.
include(GNUInstallDirs)
find_package(Python3 COMPONENTS Interpreter)

# kumo_package(COMPONENT TARGET SECTION): a program, its licence and its manual page.
function(kumo_package component target section)
    install(TARGETS ${target} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${component})
    install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION share/doc/${target}
        RENAME copyright COMPONENT ${component})
    set(page ${CMAKE_BINARY_DIR}/share/${target}.${section})
    add_custom_command(OUTPUT ${page}
        COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/share
        COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/packaging/make_man.py
            ${component} $<TARGET_FILE:${target}> ${page}
        DEPENDS ${target} ${CMAKE_SOURCE_DIR}/packaging/make_man.py VERBATIM)
    add_custom_target(${target}_page ALL DEPENDS ${page})
    install(FILES ${page} DESTINATION share/man/man${section} COMPONENT ${component})
endfunction()

# kumo_completion(SHELL FILE DESTINATION)
function(kumo_completion shell file destination)
    set(script ${CMAKE_BINARY_DIR}/share/${shell}/${file})
    add_custom_command(OUTPUT ${script}
        COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/share/${shell}
        COMMAND $<TARGET_FILE:kumosearch-cli> completion ${shell} > ${script}
        DEPENDS kumosearch-cli VERBATIM)
    add_custom_target(kumosearch-cli_${shell} ALL DEPENDS ${script})
    install(FILES ${script} DESTINATION ${destination} COMPONENT cli)
endfunction()

kumo_package(server kumosearch-server 8)
kumo_package(cli kumosearch-cli 1)
kumo_completion(bash kumosearch-cli share/bash-completion/completions)
kumo_completion(zsh _kumosearch-cli share/zsh/vendor-completions)
kumo_completion(fish kumosearch-cli.fish share/fish/vendor_completions.d)
install(FILES packaging/kumosearch.service DESTINATION lib/systemd/system COMPONENT server)
install(FILES packaging/server.ini DESTINATION /etc/kumosearch COMPONENT server)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME kumosearch)
set(CPACK_PACKAGE_VENDOR kumosearch)
set(CPACK_PACKAGE_CONTACT "kumosearch <root@localhost>")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL server cli)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_DEBUGINFO_PACKAGE ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_SERVER_PACKAGE_NAME kumosearch-server)
set(CPACK_DEBIAN_SERVER_PACKAGE_SECTION net)
set(CPACK_DEBIAN_SERVER_PACKAGE_DEPENDS "adduser, init-system-helpers (>= 1.54)")
set(CPACK_DEBIAN_SERVER_PACKAGE_RECOMMENDS kumosearch-cli)
set(CPACK_COMPONENT_SERVER_DESCRIPTION "search server that Typesense clients can talk to
 It keeps collections of JSON documents and searches them over HTTP, with
 typos, filters, facets and highlighting; several servers are a cluster.")
set(scripts ${CMAKE_SOURCE_DIR}/packaging/debian/server)
set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_EXTRA
    ${scripts}/postinst ${scripts}/prerm ${scripts}/postrm ${scripts}/conffiles)
set(CPACK_DEBIAN_CLI_PACKAGE_NAME kumosearch-cli)
set(CPACK_DEBIAN_CLI_PACKAGE_SECTION utils)
set(CPACK_COMPONENT_CLI_DESCRIPTION "command line of the search server kumosearch
 It loads and exports documents, searches, makes keys, and shows how a
 server or a cluster is.")
include(CPack)

if(KUMO_TESTS)
    # The tree that the packages would have, without building them.
    add_test(NAME package.install COMMAND ${CMAKE_COMMAND} -E env bash -c
        "root=$(mktemp -d) && trap 'rm -rf \"$root\"' EXIT && \
for part in server cli; do DESTDIR=$root ${CMAKE_COMMAND} --install ${CMAKE_BINARY_DIR} --prefix /usr \
--component $part >/dev/null || exit 1; done && ${CMAKE_SOURCE_DIR}/packaging/check_root.sh \"$root\"")
    set_tests_properties(package.install PROPERTIES TIMEOUT 120)
endif()
