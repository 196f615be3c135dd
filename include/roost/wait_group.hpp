// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/throw_misuse.hpp>
#include <roost/detail/operation/wait_queue.hpp>
#include <roost/detail/stop/unwinding.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/site.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <limits>
#include <stdexcept>
#include <stop_token>
#include <string_view>
#include <type_traits>
#include <utility>

namespace roost::inline v0 {

/// Counts things to be done and waits until none is left. A scope joins its tasks by itself: this
/// is for a part of them, or for work that is not a task.
///
/// ```cpp
/// roost::wait_group batch;
/// for (const auto& page : pages) batch.spawn(scope, [&] { render(page); });
/// batch.wait();                         // these are done; the scope's other tasks go on
/// ```
///
/// It can be used again after the count has come to zero. Lifetime: a thread that has returned from
/// wait() may destroy it at once, even while done() is returning, if no other thread still waits or
/// gives up waiting. Threads: any. Cancellation: waits throw when their task is stopped, even if
/// the count is zero. A token in a task's captures is destroyed after the task's failure is known,
/// one among its locals before that, as the stack unwinds; either way, what other tasks of the
/// scope throw because of it counts as a later failure. Cost: no allocation.
class wait_group {
 public:
  class [[nodiscard("it counts only while it lives: give it a name")]] token;

  /// With nothing to be done.
  wait_group() = default;
  ~wait_group() = default;
  wait_group(const wait_group&) = delete;
  wait_group& operator=(const wait_group&) = delete;

  /// Counts one more until the token is destroyed, in whatever way its block is left.
  token enter();

  /// Counts by hand. Prefer enter(), with which no done() can be forgotten. Throws
  /// std::length_error for more than can be counted, such as a converted negative number.
  void add(std::size_t n = 1);

  /// Counts one less. Throws std::logic_error if more are done than were added.
  void done(site where = site::current());

  /// Runs `f` as a task of `scope`, counted until its captures are destroyed.
  template <class Scope, class F>
  auto spawn(Scope& scope, F&& f, site where = site::current()) {
    return spawn(scope, std::string_view(), std::forward<F>(f), where);
  }
  /// The same with a name for the task, which the spawn copies.
  template <class Scope, class F>
  auto spawn(Scope& scope, std::string_view name, F&& f, site where = site::current());
  /// Refused: bind arguments of the callable with a lambda.
  template <class Scope, class F, class... Args>
    requires(detail::are_arguments<Args...> && !std::is_convertible_v<F, std::string_view>)
  void spawn(Scope&, F&&, Args&&...) { refuse_arguments<Args...>(); }
  /// Refused: bind arguments of the callable with a lambda.
  template <class Scope, class F, class... Args>
    requires detail::are_arguments<Args...>
  void spawn(Scope&, std::string_view, F&&, Args&&...) { refuse_arguments<Args...>(); }

  /// Waits until the count is zero.
  void wait(site where = site::current()) const { (void)wait_until(detail::no_deadline, where); }

  /// True when the count was zero, false when the time passed first.
  [[nodiscard]] bool wait_for(detail::any_duration timeout, site where = site::current()) const {
    return wait_until(detail::deadline_after(timeout), where);
  }

  /// The same until a point in time.
  [[nodiscard]] bool wait_until(detail::any_time_point deadline,
                                site where = site::current()) const {
    return waiters_.wait({"wait_group::wait", {}, where}, deadline, is_zero{*this});
  }

 private:
  friend struct detail::wait_probe;
  friend struct detail::case_maker;

  template <class F>
  class counted_task;

  template <class... Args>
  static void refuse_arguments();

  // Under the lock of waiters_.
  struct is_zero {
    const wait_group& group;
    bool operator()() const noexcept { return group.count_ == 0; }
    void describe(detail::object_note& note) const noexcept {
      note.object = &group;
      note.kind = "wait_group";
      note.detail.add("count ").add(group.count_);
    }
  };

  mutable detail::wait_queue waiters_; // to wait changes nothing that its user sees
  std::size_t count_ = 0;              // guarded by waiters_
};

/// One thing to be done, counted from enter() until this is destroyed.
class wait_group::token {
 public:
  token(const token&) = delete;
  token& operator=(const token&) = delete;
  /// Takes the count over; `other` counts nothing then.
  token(token&& other) noexcept : group_(std::exchange(other.group_, nullptr)) {}
  /// Takes the count over; what was counted here is done.
  token& operator=(token&& other) noexcept {
    token taken(std::move(other));
    taken.swap(*this);
    return *this;
  }
  /// It is done.
  // NOLINTNEXTLINE(bugprone-exception-escape): done() throws only after one too many by hand
  ~token() {
    if (group_ != nullptr)
      group_->done();
  }

  /// Exchanges what the two count.
  void swap(token& other) noexcept { std::swap(group_, other.group_); }

 private:
  friend wait_group;
  explicit token(wait_group& group) noexcept : group_(&group) {}

  wait_group* group_;
};

// --- implementation ---------------------------------------------------------

inline wait_group::token wait_group::enter() {
  add();
  return token(*this);
}

inline void wait_group::add(std::size_t n) {
  detail::sync::at_call(&waiters_);
  const bool fits = waiters_.locked([&] {
    if (n > (std::numeric_limits<std::size_t>::max)() / 2 - count_)
      return false;
    count_ += n;
    return true;
  });
  if (!fits)
    throw std::length_error("roost::wait_group::add: the count would overflow, or the number is "
                            "negative: call done() for what is done");
}

inline void wait_group::done(site where) {
  detail::note_unwinding();
  bool below_zero = false;
  waiters_.wake_all_if([&] {
    below_zero = count_ == 0;
    return !below_zero && --count_ == 0;
  });
  if (below_zero) {
    detail::throw_logic_error("roost::wait_group::done at ",
                              where,
                              ": more done() than add(); hold a token from enter() instead");
  }
}

// The token is declared first and so destroyed last: the count drops when nothing of f is left.
template <class F>
class wait_group::counted_task {
 public:
  template <class G>
  counted_task(token counted, G&& f) : counted_(std::move(counted)),
                                       f_(std::forward<G>(f)) {}

  decltype(auto) operator()() requires std::invocable<F> { return std::invoke(std::move(f_)); }
  decltype(auto) operator()(std::stop_token stop) requires std::invocable<F, std::stop_token> {
    return std::invoke(std::move(f_), std::move(stop));
  }

 private:
  token counted_;
  F f_;
};

template <class... Args>
void wait_group::refuse_arguments() {
  static_assert(sizeof...(Args) == 0,
                "roost::wait_group::spawn: the task must be callable with no arguments or with a "
                "std::stop_token; bind arguments with a lambda; a name comes before the task");
}

template <class Scope, class F>
auto wait_group::spawn(Scope& scope, std::string_view name, F&& f, site where) {
  return scope.spawn(name, counted_task<std::decay_t<F>>(enter(), std::forward<F>(f)), where);
}

} // namespace roost::inline v0
