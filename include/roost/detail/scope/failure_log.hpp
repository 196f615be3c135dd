// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/scope/failure_record.hpp>
#include <roost/failure.hpp>
#include <roost/scope_options.hpp>
#include <roost/stop.hpp>

#include <cstdint>
#include <exception>
#include <utility>
#include <vector>

namespace roost::inline v0::detail {

/// What went wrong in a scope, in the order of the moments, and what became of each failure:
///
///     reported  thrown to the owner by the end of the scope, or by get() of a task's handle: once
///     thrown    a wait of the owner has thrown it. Code in the middle may swallow that, so the end
///               still reports it
///     shown     failures() or the hook for unobserved failures had it
///
/// The scope's lock guards the log until the scope has ended; then nothing is added any more, and
/// the owner needs no lock.
class failure_log {
 public:
  /// Adds a failure behind all whose moments are not later.
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
  /// `stopped`. `timeout` is the exception for the scope's own deadline, null if another cause
  /// stopped it.
  std::exception_ptr throw_first(on_error policy, const std::exception_ptr& timeout) noexcept;
  bool has_thrown() const noexcept { return has_thrown_; }
  std::uint64_t thrown_moment() const noexcept { return thrown_ != nullptr ? thrown_->moment : 0; }

  /// The owner waits again. If no exception is in flight, and the one `handled` now is not the one
  /// that was thrown, the owner has swallowed the latter: then it is not what leaves the scope.
  void throw_again(bool in_flight, const std::exception_ptr& handled) noexcept {
    if (thrown_ != nullptr && !in_flight && handled != thrown_->error)
      thrown_ = nullptr;
  }

  /// An exception leaves the scope. The log cannot tell which, and assumes the one that a wait
  /// threw.
  void report_thrown() noexcept {
    if (thrown_ != nullptr)
      thrown_->reported = true;
  }

  /// What the end of the scope throws; null for nothing.
  std::exception_ptr report_at_end(on_error policy, const std::exception_ptr& timeout);

  /// `error` ends the body of a with_scope. If it was reported before, the end reports it once
  /// more, and true is returned.
  bool unreport(const std::exception_ptr& error) noexcept;

  /// The same for the first failure: a `stopped` that it has caused ends the body.
  void unreport_first() noexcept;

  /// `error` is thrown to the owner.
  void report(const std::exception_ptr& error) noexcept {
    for_each([&](failure_record& f) {
      if (f.error == error)
        f.reported = true;
    });
  }

  std::vector<failure> show_all() const;

  /// Drops all exceptions and records. The records belong to their tasks.
  void clear() noexcept {
    first_ = nullptr;
    last_ = &first_;
    thrown_ = nullptr;
    timeout_ = reported_ = once_more_ = nullptr;
  }

  /// Calls the hook with each failure that was neither reported nor shown.
  void show_unreported() const noexcept;

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
  bool timeout_reported_ = false;
  bool has_thrown_ = false;
  failure_record* thrown_ = nullptr; // what a wait has thrown, unless it was swallowed for sure
  std::exception_ptr timeout_;       // once it was thrown or reported
  std::exception_ptr reported_;      // the list, once it was reported
  std::exception_ptr once_more_;     // what the end reports once more
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY std::exception_ptr
failure_log::throw_first(on_error policy, const std::exception_ptr& timeout) noexcept {
  has_thrown_ = true;
  if (timeout)
    return timeout_ = timeout;
  // Under `collect` the list is not complete before the end.
  if (policy == on_error::collect || first_ == nullptr || first_->reported)
    return nullptr;
  thrown_ = first_;
  return thrown_->error;
}

ROOST_COLD_BODY std::exception_ptr failure_log::report_at_end(on_error policy,
                                                              const std::exception_ptr& timeout) {
  if (once_more_)
    return std::exchange(once_more_, nullptr);
  const bool late = timeout && cut_short_ && !std::exchange(timeout_reported_, true);
  if (late && !timeout_)
    timeout_ = timeout;
  if (policy == on_error::fail_fast) {
    // A deadline that stopped the scope came before any failure was kept, which would have stopped
    // it. One may have an earlier moment, if it was on its way by then; a deadline has no moment.
    if (late)
      return timeout_;
    return first_ == nullptr || first_->reported.exchange(true) ? nullptr : first_->error;
  }
  std::vector<failure> unreported;
  for_each([&](failure_record& f) {
    if (!f.reported)
      unreported.push_back(f.describe());
  });
  if (unreported.empty())
    return late ? timeout_ : nullptr;
  if (late)
    unreported.push_back({timeout_, "the deadline", {}});
  reported_ = std::make_exception_ptr(exception_list(std::move(unreported)));
  for_each([](failure_record& f) { f.reported = true; });
  return reported_;
}

ROOST_COLD_BODY bool failure_log::unreport(const std::exception_ptr& error) noexcept {
  if (error == timeout_) {
    timeout_reported_ = false;
    return true;
  }
  if (error == reported_) {
    once_more_ = error;
    return true;
  }
  bool known = false;
  for_each([&](failure_record& f) {
    if (f.error != error)
      return;
    f.reported = false;
    known = true;
  });
  return known;
}

ROOST_COLD_BODY void failure_log::unreport_first() noexcept {
  timeout_reported_ = false;
  if (first_ != nullptr)
    first_->reported = false;
}

ROOST_COLD_BODY std::vector<failure> failure_log::show_all() const {
  std::vector<failure> all;
  for_each([&](const failure_record& f) { all.push_back(f.describe()); });
  for_each([](failure_record& f) { f.shown = true; });
  return all;
}

ROOST_COLD_BODY void failure_log::show_unreported() const noexcept {
  for_each([](failure_record& f) {
    if (!f.reported && !f.shown.exchange(true))
      unobserved_hook.load()(f.describe());
  });
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
