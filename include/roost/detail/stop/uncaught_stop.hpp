// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/stop.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>

// The message for a `stopped` that nothing catches, for instance because it leaves main, or a
// destructor:
//
//     roost: a wait threw roost::stopped, and nothing caught it. What stopped it: request_stop() at
//     app.cpp:12, "enough", in task "closer". In main, take with_scope, or catch it around the
//     scope; in a destructor, wait under a shield.
//
// (in one line). `stopped` is no std::exception, so the system's own message tells only its type. A
// base class that the system understands is no way out: code that catches std::exception would
// swallow the stop. And no destructor can tell, as nothing is unwound where nothing catches.

namespace roost::inline v0::detail {

/// From the first call on, std::terminate() prints that message, and then calls the handler that
/// was set before. A handler that the program sets later replaces this one.
void explain_uncaught_stops() noexcept;

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

/// The handler of std::terminate(), for as long as the code is loaded in which it lies.
class uncaught_stops {
 public:
  uncaught_stops() noexcept { std::set_terminate(&tell); }
  ~uncaught_stops() {
    if (std::get_terminate() == &tell)
      std::set_terminate(before_);
  }
  uncaught_stops(const uncaught_stops&) = delete;
  uncaught_stops& operator=(const uncaught_stops&) = delete;

  // One in the whole program, also where shared libraries hide their symbols.
  [[gnu::visibility("default")]] static uncaught_stops& instance() noexcept {
    static uncaught_stops the_one;
    return the_one;
  }

 private:
  [[noreturn]] static void tell() noexcept;
  static void print(const stop_cause& cause) noexcept;
  static const char* words_for(stop_reason reason) noexcept;

  const std::terminate_handler before_ = std::get_terminate();
};

ROOST_COLD_BODY void explain_uncaught_stops() noexcept {
  (void)uncaught_stops::instance();
}

ROOST_COLD_BODY void uncaught_stops::tell() noexcept {
  try {
    if (const std::exception_ptr thrown = std::current_exception())
      std::rethrow_exception(thrown);
  } catch (const stopped& s) {
    print(s.cause());
  } catch (...) { // the handler before knows others
  }
  instance().before_();
  std::abort(); // not reached
}

// Allocates nothing: there may be no memory.
ROOST_COLD_BODY void uncaught_stops::print(const stop_cause& cause) noexcept {
  std::fprintf(stderr,
               "roost: a wait threw roost::stopped, and nothing caught it. What stopped it: %s",
               words_for(cause.reason));
  if (cause.where.line != 0)
    std::fprintf(stderr, " at %s:%zu", cause.where.file, cause.where.line);
  if (!cause.task.empty())
    std::fprintf(stderr, ", in task \"%s\"", cause.task.c_str());
  if (!cause.message.empty())
    std::fprintf(stderr, ", \"%s\"", cause.message.c_str());
  std::fputs(
      ". In main, take with_scope, or catch it around the scope; in a destructor, wait under "
      "a shield.\n",
      stderr);
}

ROOST_COLD_BODY const char* uncaught_stops::words_for(stop_reason reason) noexcept {
  switch (reason) {
  case stop_reason::none:
    break;
  case stop_reason::requested:
    return "request_stop()";
  case stop_reason::deadline:
    return "the deadline of the scope made";
  case stop_reason::failure:
    return "the failure of a task or scope, spawned or made";
  case stop_reason::scope_exit:
    return "the end of the scope made";
  case stop_reason::parent:
    return "a stop of the scope around, from what stands";
  case stop_reason::token:
    return "the token of the stop_when made";
  }
  return "a stop";
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
