// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/task.hpp>
#include <roost/failure.hpp>
#include <roost/scope_options.hpp>
#include <roost/stop.hpp>

#include <exception>
#include <utility>
#include <vector>

namespace roost::inline v0::detail {

/// What went wrong in a scope, in the order it happened, and what its owner has been told of it.
/// Each thing is told once. The scope's mutex guards it until the scope has ended; then nothing is
/// added any more, and the owner needs no lock.
class scope_outcome {
 public:
  void add(failure_record& failed) noexcept {
    *last_ = &failed;
    last_ = &failed.next;
  }

  /// The scope's own deadline came while there was work.
  void cut_short() noexcept { cut_short_ = true; }

  /// What a wait of the owner throws once the scope has stopped; null for a plain `stopped`.
  /// `timeout` is what to throw if it was the scope's own deadline, else null.
  std::exception_ptr tell_wait(on_error policy, const std::exception_ptr& timeout) noexcept;

  /// What the end of the scope throws; null for nothing.
  std::exception_ptr tell_end(on_error policy, const std::exception_ptr& timeout);

  /// True if the owner was told `error` before. If that is what ends the scope's body, it is to be
  /// told again at the end.
  bool untell(const std::exception_ptr& error) noexcept;

  /// Calls `visit` with each record.
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
  bool cut_short_ = false;
  bool timeout_told_ = false;
  std::exception_ptr timeout_; // as it was told
};

// --- implementation ---------------------------------------------------------

inline std::exception_ptr scope_outcome::tell_wait(on_error policy,
                                                   const std::exception_ptr& timeout) noexcept {
  if (timeout && !timeout_told_) {
    cut_short_ = timeout_told_ = true;
    return timeout_ = timeout;
  }
  // Under `collect` the list is not complete before the end.
  if (policy == on_error::collect || first_ == nullptr)
    return nullptr;
  return first_->observed.exchange(true) ? nullptr : first_->error;
}

inline std::exception_ptr scope_outcome::tell_end(on_error policy,
                                                  const std::exception_ptr& timeout) {
  std::exception_ptr late = cut_short_ && !timeout_told_ ? timeout : nullptr;
  if (policy == on_error::fail_fast) {
    // A deadline that stopped the scope came before any failure did.
    if (late || first_ == nullptr)
      return late;
    return first_->observed.exchange(true) ? nullptr : first_->error;
  }
  std::vector<failure> untold;
  for_each([&](failure_record& f) {
    if (!f.observed)
      untold.push_back(f.describe());
  });
  if (untold.empty())
    return late;
  if (late)
    untold.push_back({std::move(late), "the deadline", {}});
  auto list = std::make_exception_ptr(exception_list(std::move(untold)));
  for_each([](failure_record& f) { f.observed = true; });
  return list;
}

inline bool scope_outcome::untell(const std::exception_ptr& error) noexcept {
  if (timeout_ == error) {
    timeout_told_ = false;
    return true;
  }
  bool known = false;
  for_each([&](failure_record& f) {
    if (f.error != error)
      return;
    f.observed = false;
    known = true;
  });
  return known;
}

} // namespace roost::inline v0::detail
