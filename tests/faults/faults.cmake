# SPDX-License-Identifier: MIT
#
# The core's objects become one, in which every call of a function that can fail goes to wrap.c;
# nobody else's calls do. The list of these functions is glibc's.
include(CheckSymbolExists)
check_symbol_exists(__GLIBC__ features.h has_glibc)
if(NOT has_glibc)
    return()
endif()
file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/symbols.list wrapped REGEX "^[^ #]+ +(fails|gives)")
list(TRANSFORM wrapped REPLACE " .*" "")
list(TRANSFORM wrapped PREPEND "--wrap=")
set(faulty ${CMAKE_CURRENT_BINARY_DIR}/lend_faulty.o)
add_custom_command(OUTPUT ${faulty}
    COMMAND ${CMAKE_LINKER} -r -o ${faulty} ${wrapped}
            --whole-archive $<TARGET_FILE:lend_inside> --no-whole-archive
    DEPENDS lend_inside ${CMAKE_CURRENT_LIST_DIR}/symbols.list
    VERBATIM)

file(GLOB fault_sources CONFIGURE_DEPENDS faults/*.c)
add_executable(lend-faults ${fault_sources} support/gate.c support/await.c ${faulty})
target_include_directories(lend-faults PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}
    ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(lend-faults PRIVATE Threads::Threads lend_build)
# A place is told by its return address: which is not to be another one's.
target_compile_options(lend-faults PRIVATE -fno-optimize-sibling-calls)
set_target_properties(lend-faults PROPERTIES POSITION_INDEPENDENT_CODE OFF)
target_link_options(lend-faults PRIVATE -no-pie)
lend_checks(faults 300)
