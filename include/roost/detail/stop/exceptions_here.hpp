// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif

namespace roost::inline v0::detail {

/// How many exceptions are in flight on the calling thread, and one more if it is in a handler.
///
/// Cost: one call. std::current_exception() alone takes 10 ns where there is no exception, half as
/// long as all else that a semaphore does. So where the library allows it, this reads the record
/// that the C++ ABI keeps for each thread (Itanium C++ ABI, exception handling, 2.2.2).
inline int exceptions_here() noexcept {
#if defined(__GLIBCXX__)
  struct of_thread {
    void* caught;
    unsigned int uncaught;
  };
  const void* const kept = abi::__cxa_get_globals();
  const auto& here = *static_cast<const of_thread*>(kept);
  return static_cast<int>(here.uncaught) + (here.caught != nullptr ? 1 : 0);
#else
  return std::uncaught_exceptions() + (std::current_exception() ? 1 : 0);
#endif
}

} // namespace roost::inline v0::detail
