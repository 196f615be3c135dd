// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/stop/overlay.hpp>
#include <roost/detail/stop/tree_ptr.hpp>
#include <roost/detail/stop/unwinding.hpp>
#include <roost/detail/sync/mutex.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/threads/scope_tree.hpp>
#include <roost/detail/threads/timekeeper.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>

#include <mutex>
#include <utility>

namespace roost::inline v0 {

/// While it lives, stops and deadlines do not reach this thread, its checkpoint() or the scopes
/// made under it, for `limit` at most. For clean-up that has to wait:
///
/// ```cpp
/// try {
///   work();
/// } catch (const roost::stopped&) {
///   const roost::shield s(500ms);
///   (void)log.send("worker stopped"); // goes through although the task was stopped
///   throw;
/// }
/// ```
///
/// In a destructor put every wait under a shield, or call a form that never waits, such as
/// try_send(): a wait of a stopped task throws, and an exception that leaves a destructor ends the
/// program. Give the wait there a time limit of its own, below the shield's: examples/21.
///
/// The limit counts from the construction. When it is over, a stop that was hidden, or that comes
/// then, goes through as if the shield were not there.
/// Lifetime: a local of the thread that it protects. Threads: that one. Errors: bad_alloc. Cost:
/// one allocation, and a timer once there is a stop to hide; nothing on a thread that no stop can
/// reach.
class shield {
 public:
  /// Hides stops from here on, for `limit` at most.
  [[nodiscard("it works only while it lives: give it a name")]] explicit shield(
      detail::any_duration limit, site where = site::current())
      : shield(detail::deadline_after(limit), where) {}
  /// A stop that was hidden goes through again.
  ~shield();
  shield(const shield&) = delete;
  shield& operator=(const shield&) = delete;

 private:
  class hidden_domain;

  shield(clock::time_point limit, const site& where);

  detail::unwinding_goes_on goes_on_;
  // Empty on a thread without contexts: there is nothing to hide.
  detail::counted_ptr<hidden_domain> domain_;
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

class shield::hidden_domain final : public detail::stop_domain, private detail::timer {
 public:
  hidden_domain(detail::stop_domain& around, clock::time_point limit, const site& where)
      : stop_domain(detail::later(around.deadline(), limit), {}),
        overlay_(*this, where),
        limit_(limit) {}

  void begin(stop_domain& around) noexcept {
    follow(around.shared_from_this());
    overlay_.cover_this_thread();
  }

  void end() noexcept {
    overlay_.uncover();
    if (retire()) // what was made under it and lives on is shielded no more
      expired();
    detail::tree_ptr times;
    {
      const std::lock_guard guard(times_mutex_);
      times = times_;
      times_.reset();
    }
    times->keeper.remove(*this);
  }

 private:
  // Hides the first stop until the limit has passed.
  void outer_stopped(const detail::counted_ptr<const detail::kept_cause>& cause,
                     detail::stop_wave& wave) noexcept override {
    hidden_ = cause;
    if (is_in_wave_) // stop_told() looks again
      return;
    if (has_expired_ || (!is_told_ && limit_ <= detail::sync::now())) {
      mark(cause, wave);
    } else if (!is_told_ && limit_ != detail::no_deadline) {
      is_told_ = is_in_wave_ = true;
      wave.add_hiding(*this); // once at most: from then on expired() alone marks this domain
    }
  }

  // The stop that was hidden is of a scope that is over: the thread is outside of it again. The
  // timer stays, for a stop that may come yet.
  void outer_is_gone() noexcept override {
    detail::counted_ptr<const detail::kept_cause> over; // let go of without the lock
    const std::lock_guard guard(lock_);
    over = std::exchange(hidden_, nullptr);
  }

  // Not under the locks of domains: the timekeeper may have to start its thread. If there is none,
  // the stop goes through at once rather than never.
  void stop_told() noexcept override {
    bool is_over = false;
    {
      const std::lock_guard guard(lock_);
      is_in_wave_ = false;
      is_over = has_expired_;
    }
    if (stop_requested())
      return;
    if (is_over)
      return expired();
    try {
      const std::lock_guard guard(times_mutex_);
      if (times_)
        times_->keeper.add(*this, limit_);
    } catch (...) {
      expired();
    }
  }

  // A domain is in one wave at a time: while a stop is about to tell this one, it is left to
  // stop_told().
  void expired() noexcept override {
    detail::stop_wave wave; // delivered without the lock
    const std::lock_guard guard(lock_);
    has_expired_ = true;
    if (hidden_ != nullptr && !is_in_wave_)
      mark(hidden_, wave);
  }

  detail::overlay overlay_; // used by the owner's thread alone
  const clock::time_point limit_;
  detail::counted_ptr<const detail::kept_cause> hidden_; // guarded by lock_, as are these three:
  bool is_told_ = false;                                 // it was put into a wave
  bool is_in_wave_ = false;                              // and stop_told() has yet to come
  bool has_expired_ = false;                             // expired() was called
  detail::sync::mutex times_mutex_;
  // Guarded by times_mutex_; null once the shield has ended.
  detail::tree_ptr times_ = detail::tree_around_or_new();
};

ROOST_BODY shield::shield(clock::time_point limit, const site& where) {
  detail::context* const around = detail::this_thread.top;
  if (around == nullptr)
    return;
  detail::stop_domain& hidden = around->domain_to_follow();
  domain_ = detail::make_counted<hidden_domain>(hidden, limit, where);
  domain_->begin(hidden);
}

ROOST_BODY shield::~shield() {
  if (domain_)
    domain_->end();
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0
