// SPDX-License-Identifier: BSL-1.0
#pragma once

// Replaces pthread_create for the whole program: only for a program of one file. Not under
// sanitizers, which create threads in their own way: then no thread is refused.

#include "support/countdown.hpp"
#include "support/gate.hpp"
#include "support/sanitized.hpp"

#include <atomic>
#include <cerrno>
#include <exception>
#include <system_error>

#ifndef ROOST_TEST_SANITIZED
#include <dlfcn.h>
#include <pthread.h>
#endif

namespace test {

#ifdef ROOST_TEST_SANITIZED
inline constexpr bool can_refuse_threads = false;
#else
inline constexpr bool can_refuse_threads = true;
#endif

/// Threads to be created before one is refused; negative: none is.
inline std::atomic<int> until_refusal{-1};

/// While true, all are refused.
inline std::atomic<bool> no_threads{false};

/// While true, all that come after one that is refused are refused, too.
inline std::atomic<bool> for_good{false};

/// Who is refused waits here first, if it is set.
inline std::atomic<gate*> before_refusal{nullptr};

/// The same as a count of all threads.
inline countdown refused_threads;

inline bool is_refused() {
  const bool refused =
      no_threads || (until_refusal >= 0 && until_refusal-- == 0) || refused_threads.is_due();
  if (refused && for_good)
    no_threads = true;
  if (gate* const g = refused ? before_refusal.exchange(nullptr) : nullptr)
    g->pass();
  return refused;
}

/// It is what a refused thread throws.
inline bool is_no_thread(const std::exception_ptr& error) {
  try {
    if (error)
      std::rethrow_exception(error);
  } catch (const std::system_error& e) {
    return e.code() == std::errc::resource_unavailable_try_again;
  } catch (...) { // something else
  }
  return false;
}

} // namespace test

#ifndef ROOST_TEST_SANITIZED

// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): it has no good ones
extern "C" int pthread_create(pthread_t* thread,
                              const pthread_attr_t* attributes,
                              void* (*start)(void*),
                              void* argument) noexcept {
  if (test::is_refused())
    return EAGAIN;
  using function = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto real = reinterpret_cast<function>(dlsym(RTLD_NEXT, "pthread_create"));
  return real(thread, attributes, start, argument);
}

#endif
