// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include "support/at_exit.hpp"
#include "support/errors.hpp"
#include "support/probe.hpp"

#include <functional>
#include <stdexcept>
#include <string>

// A task that is still unwinding when another one fails because of what went with it.

namespace test {

/// A local whose destructor returns when a failure is known: as a file that closes slowly.
inline auto slow_local(const roost::task_scope& scope) {
  return at_exit([&scope] { wait_until([&] { return scope.stop_requested(); }); });
}

/// The reader's task fails with the cause, while `go` waits for what goes with it; then the
/// consequence is thrown. What the owner gets.
template <class Cause>
std::string thrown_by_both(Cause cause, const std::function<void()>& go) {
  return thrown_by([&] {
    roost::task_scope scope;
    scope.spawn("parse", [&] {
      go();
      throw std::runtime_error("unexpected end of input");
    });
    scope.spawn("read", [&] {
      const auto slow = slow_local(scope);
      cause();
    });
    scope.join();
  });
}

inline void receive_all(const roost::receiver<int>& rx) {
  while (rx.receive()) {
  }
}

} // namespace test
