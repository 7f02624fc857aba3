# The compile and link flags of every target of ours, as one interface library.
add_library(kumo_flags INTERFACE)
target_compile_features(kumo_flags INTERFACE cxx_std_20)
target_compile_options(kumo_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
    -fno-omit-frame-pointer -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    target_compile_options(kumo_flags INTERFACE -Wthread-safety)
else()
    # gcc 12 reports false overflows and uninitialised uses inside its own inlined std::string.
    target_compile_options(kumo_flags INTERFACE -Wno-restrict -Wno-stringop-overflow
        -Wno-stringop-overread -Wno-array-bounds -Wno-maybe-uninitialized)
endif()
# The baseline of a 2013 server; what needs AVX2 or AVX-512 is dispatched at run time.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    target_compile_options(kumo_flags INTERFACE -march=x86-64-v2)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_definitions(kumo_flags INTERFACE _FORTIFY_SOURCE=2)
    target_link_options(kumo_flags INTERFACE -Wl,-z,relro,-z,now)
endif()
if(KUMO_ASAN)
    target_compile_options(kumo_flags INTERFACE
        -fsanitize=address,undefined -fno-sanitize-recover=all)
    target_link_options(kumo_flags INTERFACE -fsanitize=address,undefined)
endif()
if(KUMO_TSAN)
    # gcc warns that TSan does not model std::atomic_thread_fence; we use none.
    target_compile_options(kumo_flags INTERFACE -fsanitize=thread -Wno-tsan)
    target_link_options(kumo_flags INTERFACE -fsanitize=thread)
endif()
if(KUMO_FUZZ)
    target_compile_options(kumo_flags INTERFACE
        -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
    target_link_options(kumo_flags INTERFACE -fsanitize=address,undefined)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
