// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/base/throw_misuse.hpp>
#include <roost/detail/scope/scope.hpp>
#include <roost/detail/scope/task.hpp>
#include <roost/detail/stop/unwinding.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>
#include <roost/this_task.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

namespace roost::inline v0 {

namespace detail {

struct handle_access;

// What a wrong use of a handle throws.
[[noreturn]] void throw_got_before(const task& t, const site& where);
[[noreturn]] void throw_waits_for_itself(const task& t, const site& where);

} // namespace detail

namespace detail { // public, too: the functions of a task_handle

/// What all handles have in common.
template <class R>
class handle_base {
 public:
  handle_base(const handle_base&) = delete;
  handle_base& operator=(const handle_base&) = delete;
  /// Takes the result over; the other handle may then only be destroyed or assigned to.
  handle_base(handle_base&&) noexcept = default;
  /// Takes the result over; the one that was here is dropped.
  handle_base& operator=(handle_base&&) noexcept = default;

  /// Waits for the task, and returns its result or throws what it threw; `stopped` if a stop ended
  /// it. Call it once: a second call throws std::logic_error, unless the first one failed because
  /// moving the result threw. When it returns, the task's captures are destroyed. From inside the
  /// task, or a task that this one runs meanwhile, it throws std::system_error instead of waiting
  /// for ever, as the other waits do. (Not from a scope that does not cover its owner, which any
  /// thread may end: a deadlock there is reported.) If the scope's owner gets the failure here, it
  /// has taken it: the end of the scope does not throw it again. The owner gets it here even where
  /// the scope has stopped because of this very failure. Where the scope has a limit and the task
  /// is still queued, a caller inside the scope runs the task here and now: so tasks may get()
  /// tasks whatever the limit is. A stop that reaches the caller but not the task is then noticed
  /// when the task has ended.
  R get(site where = site::current());

  /// True when the task has ended, false when the time passed first.
  [[nodiscard]] bool wait_for(detail::any_duration timeout, site where = site::current()) const {
    return wait_until(deadline_after(timeout), where);
  }

  /// The same until a point in time.
  [[nodiscard]] bool wait_until(detail::any_time_point deadline,
                                site where = site::current()) const {
    return wait(deadline, "task_handle::wait", where);
  }

  /// True when the task has ended; get() then does not wait.
  bool ready(site where = site::current()) const {
    sync::at_call(nullptr);
    return task_of(where).ready();
  }

  /// Asks this task to stop, as a request to its scope would, and none of its siblings: its waits,
  /// and those of the scopes that it has made, throw `stopped`, and then it ends quietly; get()
  /// throws `stopped` with `why`. Where it has not begun it never will, and its callable is
  /// destroyed. True for the call that makes it stop, false if it has ended or was asked before.
  ///
  /// Threads: as with the scope's request_stop(), callbacks on the task's token run here. It does
  /// not wait for the task. A scope that does not cover its owner (a background_scope) is not
  /// reached: it may outlive the task that makes it. Errors: bad_alloc, and then nothing was
  /// stopped. Cost: a few allocations, and some once for each task that has a handle and makes a
  /// scope, a shield or a stop_when, or asks for its token; none for waits.
  bool request_stop(std::string_view why = {}, site where = site::current());

 protected:
  explicit handle_base(result_task<R>& t) noexcept : task_(&t) {}
  ~handle_base() = default;

 private:
  struct letting_go {
    void operator()(result_task<R>* t) const noexcept {
      note_unwinding();
      t->drop_handle();
    }
  };

  friend struct handle_access;

  result_task<R>& task_of(const site& where) const;
  result_task<R>& task_to_wait_for(const site& where) const; // throws where it would never end
  bool wait(clock::time_point deadline, const char* operation, const site& where) const;

  std::unique_ptr<result_task<R>, letting_go> task_; // null when moved from
  bool got_ = false;
};

} // namespace detail

/// Stands for the result of a task. A handle may be moved, kept longer than the scope, or dropped:
/// that neither stops the task nor waits for it, and its failure still reaches the scope.
///
/// ```cpp
/// roost::task_handle<int> sum = scope.spawn([&] { return add_up(left); });
/// const int right_sum = add_up(right);
/// return sum.get() + right_sum;
/// ```
///
/// Threads: one at a time. Cancellation: its waits throw when the caller is stopped, and can then
/// be repeated. Cost: get() of a task that has ended is one lock.
template <class R>
class [[nodiscard("it is how to get the result; cast to void what is not needed")]] task_handle
    : public detail::handle_base<R> {
 private:
  friend class task_scope;
  explicit task_handle(detail::result_task<R> & t) noexcept : detail::handle_base<R>(t) {}
};

/// The handle of a task without a result: often there is no need to keep it.
template <class Void>
  requires std::is_void_v<Void>
class task_handle<Void> : public detail::handle_base<Void> {
 private:
  friend class task_scope;
  explicit task_handle(detail::result_task<Void>& t) noexcept : detail::handle_base<Void>(t) {}
};

// --- implementation ---------------------------------------------------------

namespace detail {

template <class R>
R handle_base<R>::get(site where) {
  if (got_) {
    detail::throw_got_before(task_of(where), where);
  }
  result_task<R>& t = task_to_wait_for(where);
  const blocked_call call{"task_handle::get", t.name(), where};
  scope_state::run_here_if_queued(t, call);
  const bool ended = t.wait_to_tell(call);
  got_ = true;
  if (!ended)
    t.throw_failure();
  t.throw_unless_value();
  try {
    return t.take();
  } catch (...) { // the caller still has no result
    got_ = false;
    throw;
  }
}

template <class R>
bool handle_base<R>::request_stop(std::string_view why, site where) {
  result_task<R>& t = task_of(where);
  return scope_state::stop_alone(
      t, describe_stop(stop_reason::requested, why, this_task::name(), where));
}

template <class R>
bool handle_base<R>::wait(clock::time_point deadline,
                          const char* operation,
                          const site& where) const {
  result_task<R>& t = task_to_wait_for(where);
  return t.wait({operation, t.name(), where}, deadline);
}

template <class R>
result_task<R>& handle_base<R>::task_to_wait_for(const site& where) const {
  result_task<R>& t = task_of(where);
  if (detail::holds_up(t)) {
    detail::throw_waits_for_itself(t, where);
  }
  return t;
}

template <class R>
result_task<R>& handle_base<R>::task_of(const site& where) const {
  if (!task_) {
    throw_logic_error("roost::task_handle: this handle was moved from, and is used at ",
                      where,
                      "; use the one that it was moved to");
  }
  return *task_;
}

#if ROOST_HAS_BODIES

ROOST_BODY void throw_got_before(const task& t, const site& where) {
  throw_logic_error("roost::task_handle::get at ",
                    where,
                    joined({": the result was got before; keep it (",
                            name_and_line("task", t.name(), "spawned", t.spawned()),
                            ")"}));
}

ROOST_BODY void throw_waits_for_itself(const task& t, const site& where) {
  throw_deadlock("roost::task_handle at ",
                 where,
                 joined({": a task cannot wait for itself or for a task that it runs inside (",
                         name_and_line("task", t.name(), "spawned", t.spawned()),
                         ")"}));
}

#endif // ROOST_HAS_BODIES

/// For on_done() and when_all(), which are not members.
struct handle_access {
  template <class R>
  static result_task<R>& task(const handle_base<R>& handle, const site& where) {
    return handle.task_to_wait_for(where);
  }
};

} // namespace detail

} // namespace roost::inline v0
