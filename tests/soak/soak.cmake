# SPDX-License-Identifier: MIT
#
# Ten seconds of it in each run of the tests; half an hour with `lend-soak --seconds 1800`.
file(GLOB soak_sources CONFIGURE_DEPENDS soak/*.c)
add_executable(lend-soak ${soak_sources})
target_include_directories(lend-soak PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(lend-soak PRIVATE lend Threads::Threads lend_build)
set_target_properties(lend-soak PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/soak)
add_test(NAME soak COMMAND lend-soak --seconds 10 --seed 1)
set_tests_properties(soak PROPERTIES TIMEOUT 200 LABELS soak ENVIRONMENT "${test_environment}")
