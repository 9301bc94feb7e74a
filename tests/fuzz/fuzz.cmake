# SPDX-License-Identifier: MIT
#
# Each target twice: replay_NAME, which runs the corpus in each run of the tests, with any compiler;
# and, with clang, fuzz_NAME, on request (ninja fuzz_NAME), which looks for more:
#
#     build/tests/fuzz/fuzz_api -max_total_time=600 FOLDER tests/fuzz/corpus/api
#
# What it finds new goes to FOLDER. -rss_limit_mb=4096 for the ocr one. Built with the sanitizers of
# LEND_SANITIZE, address,undefined unless they are set.
set(fuzz_output RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/fuzz)
set(fuzz_sanitizers fuzzer)
if(NOT LEND_SANITIZE)
    set(fuzz_sanitizers fuzzer,address,undefined)
endif()

function(lend_fuzz name)
    add_executable(replay_${name} fuzz/fuzz_${name}.c fuzz/replay.c)
    target_include_directories(replay_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
    target_link_libraries(replay_${name} PRIVATE ${ARGN} lend Threads::Threads lend_build)
    set_target_properties(replay_${name} PROPERTIES ${fuzz_output})
    add_test(NAME fuzz_${name}
        COMMAND replay_${name} ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name})
    set_tests_properties(fuzz_${name} PROPERTIES TIMEOUT 300 LABELS fuzz
        ENVIRONMENT "${test_environment}")
    if(NOT CMAKE_C_COMPILER_ID STREQUAL Clang)
        return()
    endif()
    add_executable(fuzz_${name} EXCLUDE_FROM_ALL fuzz/fuzz_${name}.c ${fuzzed_${name}})
    target_include_directories(fuzz_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}
        ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
    target_compile_options(fuzz_${name} PRIVATE -fsanitize=${fuzz_sanitizers}
        -fno-sanitize-recover=all)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=${fuzz_sanitizers})
    target_link_libraries(fuzz_${name} PRIVATE Threads::Threads lend_build)
    set_target_properties(fuzz_${name} PROPERTIES ${fuzz_output})
endfunction()

# The library's own sources are built into it, so that what they do guides the fuzzer.
get_target_property(core_sources lend SOURCES)
set(fuzzed_api ${core_sources})
lend_fuzz(api)
if(TARGET lend-ocr)
    enable_language(CXX)
    pkg_check_modules(tesseract REQUIRED IMPORTED_TARGET tesseract>=5 lept libpng libjpeg)
    get_target_property(ocr_sources lend-ocr SOURCES)
    set(fuzzed_admit ${core_sources} ${ocr_sources})
    set(fuzzed_ocr ${core_sources} ${ocr_sources})
    foreach(name admit ocr)
        lend_fuzz(${name} lend-ocr)
        if(TARGET fuzz_${name})
            target_link_libraries(fuzz_${name} PRIVATE PkgConfig::tesseract ${CMAKE_DL_LIBS} m)
        endif()
    endforeach()
endif()

add_executable(fuzz-seeds EXCLUDE_FROM_ALL fuzz/fuzz-seeds.c)
target_include_directories(fuzz-seeds PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(fuzz-seeds PRIVATE lend_build m)
set_target_properties(fuzz-seeds PROPERTIES ${fuzz_output})
