// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/counted.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/site.hpp>

#include <atomic>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace roost::inline v0 {

namespace detail {
class worker;

/// The tokens that stop_whens have put around a thread: the innermost one's, and those further out.
struct token_state final : counted_object {
  counted_ptr<const token_state> around;
  sync::atomic<bool> has_stopped{false}; // seq_cst, the default: written by the stop, once
};
} // namespace detail

/// Why something was asked to stop.
enum class stop_reason {
  none,       ///< it was not
  requested,  ///< task_scope::request_stop()
  deadline,   ///< the scope's timeout or deadline passed
  failure,    ///< a task failed, and the scope's policy is on_error::fail_fast
  scope_exit, ///< the scope was left by an exception, or its policy is on_exit::stop
  parent,     ///< the enclosing scope stopped; the other fields tell what stopped that one
  token,      ///< the token of a stop_when
};

/// The first cause of a stop: later ones change nothing.
struct stop_cause {
  stop_reason reason = stop_reason::none; ///< what kind of cause
  std::string message;                    ///< what request_stop() was told, or what the error says
  std::exception_ptr error;               ///< the failure, where one was the cause
  std::string task; ///< the task that failed or that asked for the stop, where it has a name
  site where;       ///< that task's spawn, the request_stop(), or the scope with the deadline
};

namespace detail {

/// A cause that domains and exceptions share.
struct kept_cause final : counted_object {
  stop_cause told;
};

/// A text that copies of an exception share: to copy them must not throw.
struct kept_text final : counted_object {
  explicit kept_text(std::string_view what) : text(what) {}
  const std::string text;
};

} // namespace detail

/// Thrown by a blocking operation in a task that was asked to stop. The operation has not happened:
/// nothing was sent, nothing received. The next blocking operation throws it again.
///
/// Not a std::exception, so that `catch (const std::exception&)` in the middle does not swallow
/// it. Let it pass: it ends the task, and a task that a stop ended has not failed. Catch it only
/// to clean up, and under a `shield` if the cleaning up blocks. A destructor that waits needs a
/// shield, too: an exception that leaves a destructor ends the program. So does a `stopped` that
/// leaves main(), as one thrown by a wait in the block of a task_scope may: take with_scope there,
/// whose end throws the cause, or catch it around the scope.
///
/// Where nothing catches a `stopped`, std::terminate() prints what stopped the wait, and at which
/// line: the first `stopped` sets a terminate handler of roost's, which then calls the handler that
/// was set before. A handler that the program sets later replaces roost's.
class stopped {
 public:
  /// Made by roost.
  explicit stopped(detail::counted_ptr<const detail::kept_cause> cause,
                   detail::counted_ptr<const detail::token_state> tokens = nullptr) noexcept
      : cause_(std::move(cause)),
        tokens_(std::move(tokens)) {}

  /// Why.
  const stop_cause& cause() const noexcept { return cause_->told; }

  /// True if a stop_when around the throw has stopped its thread by now: then the task has not
  /// failed.
  bool by_token() const noexcept {
    const detail::token_state* t = tokens_.get();
    while (t != nullptr && !t->has_stopped)
      t = t->around.get();
    return t != nullptr;
  }

 private:
  friend detail::worker;
  detail::counted_ptr<const detail::kept_cause> cause_;
  detail::counted_ptr<const detail::token_state> tokens_;
};

/// Thrown to the owner of the scope whose deadline cut work short, and by no other scope: a scope
/// inside that one ends by `stopped`. So a loop that catches the timeout_error of each try and
/// tries again does not swallow the limit around all tries.
struct timeout_error : std::runtime_error {
  using std::runtime_error::runtime_error;
  /// Made by roost, for this scope.
  timeout_error(const std::string& what, std::string_view scope, site where)
      : std::runtime_error(what),
        scope_(detail::make_counted<detail::kept_text>(scope)),
        where_(where) {}

  /// The name of the scope whose deadline it was; empty if it has none.
  std::string_view scope() const noexcept {
    return scope_ ? std::string_view(scope_->text) : std::string_view();
  }

  /// The line that made that scope.
  const site& where() const noexcept { return where_; }

 private:
  detail::counted_ptr<const detail::kept_text> scope_;
  site where_;
};

/// Thrown by spawn() after join(): the scope takes no more tasks.
struct scope_closed : std::logic_error {
  using std::logic_error::logic_error;
};

} // namespace roost::inline v0
