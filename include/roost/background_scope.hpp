// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/failure.hpp>
#include <roost/scope_options.hpp>
#include <roost/site.hpp>
#include <roost/task_scope.hpp>

#include <utility>

namespace roost::inline v0 {

/// Owns the tasks of an object: a task_scope for a member. In a block take a task_scope.
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
/// What it does otherwise than a task_scope:
/// - The thread that makes it is not covered: neither a failed task nor a stop of this scope
///   reaches that thread's waits, nor the scopes that it makes later. Any thread may end it.
/// - A failure stops nobody. It goes to on_failure, or without one to the unobserved-failure hook,
///   as it happens and on the failing task's thread; a handle's get() throws it all the same.
/// - Its destructor stops the tasks, waits for them, and never throws; a class with a virtual
///   destructor can have it as a member. What on_failure would not take goes to the hook.
/// - Its threads are its own, so they come and go with it.
/// So `exit`, `errors` and `covers_owner` of its options are not looked at. All others hold; it
/// stops with the scope around the one that made it, unless `inherit` is false.
///
/// Lifetime: it waits where it is destroyed, so make it the last member: members below it, and
/// those of derived classes, are gone by then. Where tasks use such, let the derived class's
/// destructor call request_stop() and join(). Callers: as of a task_scope. Cost: as of an outermost
/// task_scope.
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
      on_error::collect; // a failure that the handler does not take stops nobody either
  options.covers_owner = false;
  if (!options.on_failure)
    options.on_failure = [](const failure& failed) { detail::unobserved_hook.load()(failed); };
  return options;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0
