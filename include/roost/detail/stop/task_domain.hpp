// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/stop/stand_in.hpp>

namespace roost::inline v0::detail {

/// A task's own domain, so that the task can be stopped without its siblings. Few tasks have one: a
/// task waits in the domain of its scope, until
///
///     the task makes something that follows a domain, or asks for its token, while it has a
///     handle: then the task makes this domain, which follows the scope's, and waits in it from
///     then on; or
///     a handle stops the task: then the task waits in this domain, which was stopped beforehand.
///
/// So a wait still looks at one domain only, and to stop a task alone costs only that task.
///
/// INVARIANT: a task goes from its scope's domain to its own once, under the lock of the slot where
/// it runs (while no thread has come for it, under its scope's lock), and no stop is lost by that.
/// A stop of the scope: if it looked for the task's record before the change, it has claimed the
/// record; if it comes later, the task's domain follows the scope's by then, or finds the scope
/// stopped when it begins to follow. A stop of the task alone: a wait that publishes its record
/// before the change is claimed together with the change, and one that publishes its record later
/// reads the new domain (both happen under the slot's lock, one of them second).
class task_domain final : public stop_domain {
 public:
  explicit task_domain(clock::time_point deadline) : stop_domain(deadline, {}) {}

  using stop_domain::claim_in;
  using stop_domain::stop; // also with a cause that is known elsewhere

  /// On the task's thread, which is in this domain by now.
  void begin(stop_domain& scope) noexcept {
    add(running_);
    follow(scope.shared_from_this());
  }

  /// On the task's thread, which waits no more. Later stops of the task reach nothing.
  void end() noexcept {
    if (!running_.linked()) // it was stopped before it was the task's
      return;
    remove(running_);
    (void)retire();
  }

 private:
  stand_in running_{*this}; // for the task, which is in the list of its scope; guarded by lock_
};

} // namespace roost::inline v0::detail
