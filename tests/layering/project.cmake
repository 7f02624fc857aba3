# Configures and builds tests/layering/project in one CASE and checks how that ends.
cmake_minimum_required(VERSION 3.25)
set(expect_sound "")
set(expect_upward_dependency "layering: 'low' \\(floor 1\\) may not depend on 'high' \\(floor 2\\)")
set(expect_sibling_dependency "layering: 'low' \\(floor 1\\) may not depend on 'high' \\(floor 1\\)")
set(expect_undeclared_include "high/value.h(: No such file|' file not found)")
set(expect_undeclared_symbol "undefined reference to `[a-z_:]*high_value")
set(expect_unsound_header "low/value.h.*string")

file(REMOVE_RECURSE ${SCRATCH})
execute_process(
    COMMAND ${CMAKE_COMMAND} -G Ninja -S ${CMAKE_CURRENT_LIST_DIR}/project -B ${SCRATCH}
        -D CASE=${CASE} -D KUMO_REPOSITORY=${REPOSITORY}
        -D CMAKE_CXX_COMPILER=${COMPILER} -D CMAKE_MAKE_PROGRAM=${MAKE}
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(status EQUAL 0)
    execute_process(
        COMMAND ${CMAKE_COMMAND} --build ${SCRATCH} --target all headers
        RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
endif()

# CMake wraps its messages.
string(REGEX REPLACE "[ \n]+" " " output "${output}")
if(expect_${CASE} STREQUAL "")
    if(NOT status EQUAL 0)
        message(FATAL_ERROR "a sound project was refused: ${output}")
    endif()
elseif(status EQUAL 0)
    message(FATAL_ERROR "${CASE} was not refused")
elseif(NOT output MATCHES "${expect_${CASE}}")
    message(FATAL_ERROR "refused for another reason: ${output}")
endif()
