// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/counted.hpp>
#include <roost/detail/stop/context.hpp>
#include <roost/detail/stop/stop_domain.hpp>
#include <roost/detail/sync/thread_number.hpp>
#include <roost/stop.hpp>

#include <exception>

namespace roost::inline v0::detail {

/// What a scope knows of the thread that made it, its owner: the context by which a stop of the
/// scope reaches the owner, if the scope covers it, and what was in flight there at the start.
class owner_frame : public context {
 public:
  owner_frame(stop_domain& scope, bool covers) noexcept : context(scope), covers_(covers) {}

  bool covers() const noexcept { return covers_; }
  stop_domain* owned_scope() noexcept override { return &domain(); }

  /// The owner if it is covered; else no thread.
  sync::thread_id covered_thread() const noexcept { return covers_ ? owner_ : sync::thread_id(); }

  /// True on the owner's thread; but not in a task that runs there inside a wait of the owner.
  bool is_here() const noexcept {
    return owner_ == sync::this_thread_id() && (!covers_ || covers_this_thread());
  }

  /// True while an exception passes through the owner's block on the calling thread. Compared with
  /// the count at the start, not with zero: a scope may be made inside a destructor that runs
  /// because of an exception. Another thread than the owner compares with zero.
  bool unwinds() const noexcept {
    return std::uncaught_exceptions() > (is_here() ? exceptions_at_start_ : 0);
  }

  /// The context around, if the scope was stopped because that was.
  context* stopped_from_around() const noexcept {
    const bool by_parent =
        domain().stop_requested() && domain().cause()->told.reason == stop_reason::parent;
    const bool around = by_parent && outer() != nullptr && outer()->domain().stop_requested();
    return around ? outer() : nullptr;
  }

  const counted_ptr<const kept_cause>& told_cause() const noexcept override {
    const context* const around = stopped_from_around();
    return around != nullptr ? around->told_cause() : domain().cause();
  }

 private:
  const bool covers_;
  const sync::thread_id owner_ = sync::this_thread_id();
  const int exceptions_at_start_ = std::uncaught_exceptions();
};

} // namespace roost::inline v0::detail
