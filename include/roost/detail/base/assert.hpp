// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/die.hpp>

// ROOST_ASSERT(condition, message) prints the message and ends the program where the condition does
// not hold. For preconditions of functions that are too short to throw. On in builds without
// NDEBUG, unless ROOST_ASSERTIONS is defined: as 1 (on) or 0 (off), the same in all files of a
// program.
#if !defined(ROOST_ASSERTIONS)
#if defined(NDEBUG)
#define ROOST_ASSERTIONS 0
#else
#define ROOST_ASSERTIONS 1
#endif
#endif

#if ROOST_ASSERTIONS
#define ROOST_ASSERT(condition, message)                                                           \
  ((condition) ? static_cast<void>(0) : ::roost::detail::die(message))
#else
#define ROOST_ASSERT(condition, message) static_cast<void>(0)
#endif
