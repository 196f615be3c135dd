// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/wait/observer.hpp>
#include <roost/detail/wait/tally.hpp>
#include <roost/failure.hpp>
#include <roost/stop.hpp>

#include <cstdint>
#include <exception>
#include <new>
#include <string>

// What a scope tells observers of its tasks, and counts.

namespace roost::inline v0::detail {

void tell_of_task(sighting_kind kind, const task& t, std::uint64_t scope) noexcept;

/// A failure of `task`; 0: of the body of `scope`.
void tell_of_failure(const std::exception_ptr& error,
                     std::uint64_t task,
                     std::uint64_t scope) noexcept;

/// A stop of `task` alone; 0: of `scope`, and the caller holds the lock of that.
void show_stop(const stop_cause& cause, std::uint64_t task, std::uint64_t scope) noexcept;

/// Called before the task can begin.
inline void show_spawn(const task& t, std::uint64_t scope) noexcept {
  count(counted::spawned);
  if (is_observed()) [[unlikely]]
    tell_of_task(sighting_kind::spawn, t, scope);
}

/// The task could not be spawned after all.
inline void hide_spawn(const task& t, std::uint64_t scope) noexcept {
  discount(counted::spawned);
  if (is_observed()) [[unlikely]]
    tell_of_task(sighting_kind::refusal, t, scope);
}

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY void tell_of_task(sighting_kind kind, const task& t, std::uint64_t scope) noexcept {
  tell({.kind = kind, .task = t.id(), .scope = scope, .text = t.name(), .where = t.spawned()});
}

ROOST_COLD_BODY void
tell_of_failure(const std::exception_ptr& error, std::uint64_t task, std::uint64_t scope) noexcept {
  std::string message;
  try {
    message = message_of(error);
  } catch (...) { // there is no memory for the text; that it failed is told all the same
  }
  tell({.kind = sighting_kind::failure, .task = task, .scope = scope, .text = message});
}

ROOST_COLD_BODY void
show_stop(const stop_cause& cause, std::uint64_t task, std::uint64_t scope) noexcept {
  count_seldom(counted::stopped);
  if (is_observed()) [[unlikely]] {
    tell({.kind = sighting_kind::stop,
          .how = static_cast<std::uint8_t>(cause.reason),
          .task = task,
          .scope = scope,
          .text = cause.message,
          .where = cause.where});
  }
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
