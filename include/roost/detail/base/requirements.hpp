// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <version>

// What roost needs of a compiler and of its library. A public header that finds ROOST_IS_SUPPORTED
// to be 0 includes nothing else, as that would add a thousand lines of errors.
#if __cplusplus < 202002L && !(defined(_MSVC_LANG) && _MSVC_LANG >= 202002L)
#error "roost needs C++20: compile with -std=c++20, or in CMake link to roost::roost"
#define ROOST_IS_SUPPORTED 0
#elif !defined(__cpp_exceptions) && !defined(_CPPUNWIND)
#error "roost needs exceptions: a wait that is stopped throws; compile without -fno-exceptions"
#define ROOST_IS_SUPPORTED 0
#elif !defined(__cpp_lib_jthread)
#error "roost needs std::jthread: with libc++ before 20 compile with -fexperimental-library"
#define ROOST_IS_SUPPORTED 0
#else
#define ROOST_IS_SUPPORTED 1
#endif
