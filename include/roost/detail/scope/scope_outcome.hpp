// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/scope/task.hpp>
#include <roost/failure.hpp>
#include <roost/scope_options.hpp>
#include <roost/stop.hpp>

#include <cstdint>
#include <exception>
#include <utility>
#include <vector>

namespace roost::inline v0::detail {

/// What went wrong in a scope, in the order of the moments, and what its owner has been told of it:
/// by the end, or by get() of a task's handle. Each thing is told once. A wait of the owner only
/// shows it: code in the middle may swallow what a wait throws, and then the end still tells.
/// The scope's lock guards it until the scope has ended; then nothing is added any more, and the
/// owner needs no lock.
class scope_outcome {
 public:
  /// Its place is that of its moment.
  void add(failure_record& failed) noexcept {
    if (first_ == nullptr || newest_->moment <= failed.moment) {
      *last_ = newest_ = &failed;
      last_ = &failed.next;
      return;
    }
    failure_record** place = &first_;
    while ((*place)->moment <= failed.moment)
      place = &(*place)->next;
    failed.next = *place;
    *place = &failed;
  }

  /// The moment of the first failure; 0 if there is none.
  std::uint64_t moment() const noexcept { return first_ != nullptr ? first_->moment : 0; }

  /// The scope's own deadline, or a stop of the scope around it, came while there was work.
  void cut_short() noexcept { cut_short_ = true; }
  bool was_cut_short() const noexcept { return cut_short_; }

  /// What the first wait of the owner throws once the scope has stopped; null for a plain
  /// `stopped`. `timeout` is what to throw if it was the scope's own deadline, else null.
  std::exception_ptr show(on_error policy, const std::exception_ptr& timeout) noexcept;
  bool has_shown() const noexcept { return has_shown_; }
  std::uint64_t shown_moment() const noexcept { return shown_ != nullptr ? shown_->moment : 0; }

  /// The owner waits again. Unless it has `handled` the failure that was shown, or an exception is
  /// in flight, it has swallowed that one: then that is not what leaves the scope.
  void show_again(bool in_flight, const std::exception_ptr& handled) noexcept {
    if (shown_ != nullptr && !in_flight && handled != shown_->error)
      shown_ = nullptr;
  }

  /// An exception leaves the scope, and nobody can tell which: it is taken for the one that was
  /// shown.
  void leave_with_shown() noexcept {
    if (shown_ != nullptr)
      shown_->told = true;
  }

  /// What the end of the scope throws; null for nothing.
  std::exception_ptr tell_end(on_error policy, const std::exception_ptr& timeout);

  /// For what ends the body of a scope although the owner was told before: it is told again at the
  /// end. True if `error` is such.
  bool untell(const std::exception_ptr& error) noexcept;

  /// The same for what is behind a `stopped` that ends the body, where the scope itself stopped.
  void untell_first() noexcept;

  /// `error` is thrown to the owner after all.
  void tell(const std::exception_ptr& error) noexcept {
    for_each([&](failure_record& f) {
      if (f.error == error)
        f.told = true;
    });
  }

  std::vector<failure> show_all() const;

  /// Lets go of all exceptions, once they were told. The records are their owners'.
  void clear() noexcept {
    first_ = nullptr;
    last_ = &first_;
    shown_ = nullptr;
    timeout_ = told_ = again_ = nullptr;
  }

  /// Gives what was neither told nor shown to the hook.
  void report_untold() const noexcept;

  /// Calls `visit` with each record. The visit may be the record's end.
  template <class Visit>
  void for_each(Visit visit) const {
    for (failure_record* f = first_; f != nullptr;) {
      failure_record* const next = f->next;
      visit(*f);
      f = next;
    }
  }

 private:
  failure_record* first_ = nullptr;
  failure_record** last_ = &first_;
  failure_record* newest_ = nullptr; // the last in the list
  bool cut_short_ = false;
  bool timeout_told_ = false;
  bool has_shown_ = false;
  failure_record* shown_ = nullptr; // what a wait has thrown, unless it was swallowed for sure
  std::exception_ptr timeout_;      // once it was shown or told
  std::exception_ptr told_;         // the list, once it was told
  std::exception_ptr again_;        // what to tell once more
};

// --- implementation ---------------------------------------------------------

inline std::exception_ptr scope_outcome::show(on_error policy,
                                              const std::exception_ptr& timeout) noexcept {
  has_shown_ = true;
  if (timeout)
    return timeout_ = timeout;
  // Under `collect` the list is not complete before the end.
  if (policy == on_error::collect || first_ == nullptr || first_->told)
    return nullptr;
  shown_ = first_;
  return shown_->error;
}

inline std::exception_ptr scope_outcome::tell_end(on_error policy,
                                                  const std::exception_ptr& timeout) {
  if (again_)
    return std::exchange(again_, nullptr);
  const bool late = timeout && cut_short_ && !std::exchange(timeout_told_, true);
  if (late && !timeout_)
    timeout_ = timeout;
  if (policy == on_error::fail_fast) {
    // A deadline that stopped the scope came before any failure did.
    if (late)
      return timeout_;
    return first_ == nullptr || first_->told.exchange(true) ? nullptr : first_->error;
  }
  std::vector<failure> untold;
  for_each([&](failure_record& f) {
    if (!f.told)
      untold.push_back(f.describe());
  });
  if (untold.empty())
    return late ? timeout_ : nullptr;
  if (late)
    untold.push_back({timeout_, "the deadline", {}});
  told_ = std::make_exception_ptr(exception_list(std::move(untold)));
  for_each([](failure_record& f) { f.told = true; });
  return told_;
}

inline bool scope_outcome::untell(const std::exception_ptr& error) noexcept {
  if (error == timeout_) {
    timeout_told_ = false;
    return true;
  }
  if (error == told_) {
    again_ = error;
    return true;
  }
  bool known = false;
  for_each([&](failure_record& f) {
    if (f.error != error)
      return;
    f.told = false;
    known = true;
  });
  return known;
}

inline void scope_outcome::untell_first() noexcept {
  timeout_told_ = false;
  if (first_ != nullptr)
    first_->told = false;
}

inline std::vector<failure> scope_outcome::show_all() const {
  std::vector<failure> all;
  for_each([&](const failure_record& f) { all.push_back(f.describe()); });
  for_each([](failure_record& f) { f.seen = true; });
  return all;
}

inline void scope_outcome::report_untold() const noexcept {
  for_each([](failure_record& f) {
    if (!f.told && !f.seen.exchange(true))
      unobserved_hook.load()(f.describe());
  });
}

} // namespace roost::inline v0::detail
