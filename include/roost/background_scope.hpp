// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/failure.hpp>
#include <roost/scope_options.hpp>
#include <roost/site.hpp>
#include <roost/task_scope.hpp>

#include <utility>

namespace roost::inline v0 {

/// Owns the tasks of an object: a task_scope for use as a class member. In a block take a
/// task_scope.
///
/// ```cpp
/// class log_file {
///  public:
///   void write(std::string line) { (void)lines_.tx.send(std::move(line)); }
///
///  private:
///   roost::channel_ends<std::string> lines_ = roost::make_channel<std::string>(64);
///   roost::background_scope tasks_{{.name = "log"}};  // last: what its tasks use is above
/// };
/// ```
///
/// How it differs from a task_scope:
/// - The thread that makes it is not covered: neither a failed task nor a stop of this scope
///   reaches that thread's waits or the scopes that it makes later. Any thread may end it.
/// - A failure stops no other task. It goes to on_failure, or without one to the unobserved-failure
///   hook, as soon as it happens and on the failing task's thread; a handle's get() throws it all
///   the same.
/// - Its destructor stops the tasks, waits for them, and never throws; a class with a virtual
///   destructor can have it as a member. A failure for which on_failure threw goes to the hook.
/// - Its threads are its own, so they come and go with it.
/// Its options `exit`, `errors` and `covers_owner` are therefore ignored; all others hold. It stops
/// with the scope around the thread that made it, unless `inherit` is false. If that scope ends
/// first, no stop from further out reaches this one.
///
/// Lifetime: its destructor waits for the tasks, so make it the last member: members below it, and
/// those of derived classes, are gone by then. If tasks use those, let the derived class's
/// destructor call request_stop() and join(). Callers: as for a task_scope. Cost: that of an
/// outermost task_scope.
class background_scope : public task_scope {
 public:
  /// Opens the scope. Throws std::invalid_argument for a limit of 0.
  explicit background_scope(scope_options options = {}, site where = site::current())
      : task_scope(in_the_background(std::move(options)), where) {}
  /// Stops the tasks and waits for them.
  ~background_scope() noexcept { end_without_throwing(); }
  background_scope(const background_scope&) = delete;
  background_scope& operator=(const background_scope&) = delete;

 private:
  static scope_options in_the_background(scope_options options);
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_BODY scope_options background_scope::in_the_background(scope_options options) {
  options.exit = on_exit::stop;
  options.errors =
      on_error::collect; // a failure for which on_failure throws stops no other task either
  options.covers_owner = false;
  if (!options.on_failure)
    options.on_failure = [](const failure& failed) { detail::unobserved_hook.load()(failed); };
  return options;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0
