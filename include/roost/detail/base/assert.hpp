// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/die.hpp>

// ROOST_ASSERT(condition, message): where the condition does not hold, the message is printed and
// the program ends. For preconditions of functions that are too short to throw. In debug builds,
// those without NDEBUG; or as ROOST_ASSERTIONS says, which is 1 or 0 and the same for all files of
// a program.
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
