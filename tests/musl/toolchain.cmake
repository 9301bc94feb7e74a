# SPDX-License-Identifier: MIT
#
#     cmake --toolchain tests/musl/toolchain.cmake -DLEND_BUILD_OCR=OFF ...
#
# Build the core and its tests for musl with Debian's musl-gcc (musl-tools): statically, since all
# else on the machine is for glibc, and with the tests' own cmocka.h. musl does not unwind the
# stacks of threads that end; that nothing else does either is what the `abort` is for: gcc's
# unwinder, which -fexceptions links and which asks glibc for what it needs, ends the program.
set(CMAKE_C_COMPILER musl-gcc)
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static -Wl,--undefined=abort,--defsym=_dl_find_object=abort")
set(BUILD_SHARED_LIBS OFF CACHE BOOL "")
set(ENV{PKG_CONFIG_LIBDIR} ${CMAKE_CURRENT_LIST_DIR})
