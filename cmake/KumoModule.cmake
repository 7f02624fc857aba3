# kumo_module(NAME <name> FLOOR <n> [PREFIX <include/prefix>] DEPS <modules...> [LIBS <targets...>])
#
# One static library per directory. Four cheap locks on layering:
#  1. configure time: every DEP must live on a strictly lower floor;
#  2. compile time:   "mod/x.h" resolves only through a linked module's include root;
#  3. link time:      <mod>_link_test pulls the whole archive and nothing but its declared DEPS;
#  4. headers:        the target `headers` compiles every header on its own.
# Tests sit beside the code: every x_test.cc becomes part of <mod>_test. A main.cc is left to the
# executable of an app. PREFIX is the path that includes start with, when it is not the module's
# name (api/kumosearch). LIBS are third-party libraries; they are linked privately, so their headers
# stay out of our headers.
function(kumo_module)
    cmake_parse_arguments(M "" "NAME;FLOOR;PREFIX" "DEPS;LIBS" ${ARGN})
    if(NOT M_PREFIX)
        set(M_PREFIX ${M_NAME})
    endif()
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
    set(tests ${sources})
    list(FILTER sources EXCLUDE REGEX "(_(test|bench|fuzz)|/main)\\.cc$")
    list(FILTER tests INCLUDE REGEX "_test\\.cc$")
    add_library(kumo_${M_NAME} STATIC ${sources})
    set_target_properties(kumo_${M_NAME} PROPERTIES
        KUMO_FLOOR ${M_FLOOR} KUMO_DEPS "${M_DEPS}" KUMO_PREFIX ${M_PREFIX})
    target_link_libraries(kumo_${M_NAME} PUBLIC kumo_flags PRIVATE ${M_LIBS})
    _kumo_link_deps(${M_NAME} ${M_FLOOR} ${M_DEPS})
    _kumo_include_root(${M_NAME} ${M_PREFIX})
    _kumo_link_test(${M_NAME})
    _kumo_header_units(${M_NAME} ${M_PREFIX} ${M_LIBS})
    if(tests AND KUMO_TESTS)
        add_executable(${M_NAME}_test ${tests})
        target_link_libraries(${M_NAME}_test PRIVATE kumo_${M_NAME} ${M_LIBS} kumo_gtest)
        target_compile_definitions(${M_NAME}_test PRIVATE
            KUMO_TESTDATA="${CMAKE_CURRENT_SOURCE_DIR}/testdata")
        gtest_discover_tests(${M_NAME}_test TEST_PREFIX ${M_NAME}. DISCOVERY_MODE PRE_TEST
            PROPERTIES TIMEOUT 300)
    endif()
    set_property(GLOBAL APPEND PROPERTY KUMO_MODULES ${M_NAME})
endfunction()

function(_kumo_link_deps name floor)
    foreach(dep IN LISTS ARGN)
        if(NOT TARGET kumo_${dep})
            message(FATAL_ERROR "module '${name}' depends on '${dep}', which is not defined yet "
                                "(floors are added bottom to top)")
        endif()
        get_target_property(dep_floor kumo_${dep} KUMO_FLOOR)
        if(NOT dep_floor LESS floor)
            message(FATAL_ERROR "layering: '${name}' (floor ${floor}) may not depend on "
                                "'${dep}' (floor ${dep_floor})")
        endif()
        target_link_libraries(kumo_${name} PUBLIC kumo_${dep})
    endforeach()
endfunction()

function(_kumo_include_root name prefix)
    set(root ${CMAKE_BINARY_DIR}/inc/${name})
    get_filename_component(parent ${root}/${prefix} DIRECTORY)
    file(MAKE_DIRECTORY ${parent})
    file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${root}/${prefix} SYMBOLIC)
    target_include_directories(kumo_${name} PUBLIC ${root})
endfunction()

function(_kumo_link_test name)
    set(main ${CMAKE_BINARY_DIR}/link_test_main.cc)
    if(NOT EXISTS ${main})
        file(WRITE ${main} "int main() { return 0; }\n")
    endif()
    if(KUMO_TESTS)
        add_executable(${name}_link_test ${main})
        target_link_libraries(${name}_link_test PRIVATE
            $<LINK_LIBRARY:WHOLE_ARCHIVE,kumo_${name}>)
        add_test(NAME link.${name} COMMAND ${name}_link_test)
    endif()
endfunction()

function(_kumo_header_units name prefix)
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS
        RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/*.h)
    set(headers_units "")
    set(internal_headers_units "")
    foreach(header IN LISTS headers)
        set(unit ${CMAKE_BINARY_DIR}/headers/${name}/${header}.cc)
        file(CONFIGURE OUTPUT ${unit} CONTENT "#include \"${prefix}/${header}\"\n")
        if(header MATCHES "(^|/)internal/")
            list(APPEND internal_headers_units ${unit})
        else()
            list(APPEND headers_units ${unit})
        endif()
    endforeach()
    # Only internal headers may include those of the module's libraries.
    foreach(kind headers internal_headers)
        if(${kind}_units)
            add_library(${name}_${kind} OBJECT EXCLUDE_FROM_ALL ${${kind}_units})
            target_link_libraries(${name}_${kind} PRIVATE kumo_${name})
            set_property(GLOBAL APPEND PROPERTY KUMO_HEADER_TARGETS ${name}_${kind})
        endif()
    endforeach()
    if(internal_headers_units AND ARGN)
        target_link_libraries(${name}_internal_headers PRIVATE ${ARGN})
    endif()
endfunction()

# kumo_fuzz(<target> <source> DEPS <modules...>): a libFuzzer target, built by the fuzz preset.
function(kumo_fuzz target source)
    cmake_parse_arguments(F "" "" "DEPS" ${ARGN})
    if(NOT KUMO_FUZZ)
        return()
    endif()
    add_executable(fuzz_${target} ${source})
    target_link_options(fuzz_${target} PRIVATE -fsanitize=fuzzer)
    foreach(dep IN LISTS F_DEPS)
        target_link_libraries(fuzz_${target} PRIVATE kumo_${dep})
    endforeach()
endfunction()

function(kumo_finish_modules)
    get_property(modules GLOBAL PROPERTY KUMO_MODULES)
    set(out "")
    foreach(m IN LISTS modules)
        get_target_property(deps kumo_${m} KUMO_DEPS)
        get_target_property(floor kumo_${m} KUMO_FLOOR)
        get_target_property(prefix kumo_${m} KUMO_PREFIX)
        string(REPLACE ";" " " deps "${deps}")
        string(APPEND out "${floor} ${m} ${prefix}: ${deps}\n")
    endforeach()
    file(WRITE ${CMAKE_BINARY_DIR}/modules.txt "${out}")  # read by tools/tidy.py
    get_property(header_targets GLOBAL PROPERTY KUMO_HEADER_TARGETS)
    add_custom_target(headers DEPENDS ${header_targets})
endfunction()
