// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include "support/channel_probe.hpp"
#include "support/pool_probe.hpp"
#include "support/scope_probe.hpp"
#include "support/select_probe.hpp"
#include "support/wait_probe.hpp"

#include <cstddef>
#include <thread>

// The tests' windows into the library, one for each feature: they tell how many threads wait and
// where, so that no test has to sleep.

namespace test {

using roost::detail::channel_probe;
using roost::detail::pool_probe;
using roost::detail::scope_probe;
using roost::detail::select_probe;
using roost::detail::wait_probe;

/// How many threads wait at a primitive, or at an end of a channel, a broadcast or a watch.
template <class Primitive>
std::size_t waiting(const Primitive& primitive) {
  return wait_probe::waiting(primitive);
}
template <class End>
  requires requires(const End& end) {
    channel_probe::waiting(end);
  }
std::size_t waiting(const End& end) {
  return channel_probe::waiting(end);
}

/// Yields until `condition()` holds. Only for conditions that the library's own progress makes
/// true; a test that never gets there is ended by ctest's timeout.
template <class Condition>
void wait_until(Condition condition) {
  while (!condition())
    std::this_thread::yield();
}

/// Until exactly so many threads wait at a primitive or an end.
template <class Primitive>
void wait_until_waiting(const Primitive& primitive, std::size_t count) {
  wait_until([&] { return waiting(primitive) == count; });
}

/// Until the scope's owner is blocked in an operation.
inline void wait_until_owner_blocked(const roost::task_scope& scope) {
  wait_until([&] { return scope_probe::owner_blocked(scope); });
}

/// Until the scope's owner waits for its tasks.
inline void wait_until_joining(const roost::task_scope& scope) {
  wait_until([&] { return scope_probe::owner_joins(scope); });
}

/// Until so many tasks are queued in the scope, or so many spawns wait for a place there.
inline void wait_until_queued(const roost::task_scope& scope, std::size_t count) {
  wait_until([&] { return scope_probe::queued(scope) == count; });
}
inline void wait_until_spawns_wait(const roost::task_scope& scope, std::size_t count) {
  wait_until([&] { return scope_probe::waiting_spawns(scope) == count; });
}

/// Until so many threads of the scope's tree are idle.
inline void wait_until_idle(const roost::task_scope& scope, std::size_t count) {
  wait_until([&] { return pool_probe::idle_threads(scope) == count; });
}

/// Until so many tasks of the scope are blocked. One that has been called, and is not awake yet, is
/// counted, too: where that may be, wait until so many wait at the primitive.
inline void wait_until_blocked(const roost::task_scope& scope, std::size_t count) {
  wait_until([&] { return scope_probe::blocked_tasks(scope) == count; });
}

} // namespace test
