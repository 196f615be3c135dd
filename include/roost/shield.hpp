// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/context.hpp>
#include <roost/detail/timekeeper.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

namespace roost::inline v0 {

/// While it lives, stops and deadlines do not reach this thread, its checkpoint() or the scopes
/// made under it, but for `limit` at most. For the cleaning up that has to wait:
///
///     } catch (const roost::stopped&) {
///       roost::shield s(500ms);
///       log.send("worker stopped");         // goes through although the task was stopped
///       throw;
///     }
///
/// The limit counts from the construction. When it is over, a stop that was hidden, or that comes
/// then, goes through as if the shield were not there.
/// Lifetime: a local of the thread that it protects.
class [[nodiscard("it works only while it lives: give it a name")]] shield {
 public:
  template <class Rep, class Period>
  explicit shield(std::chrono::duration<Rep, Period> limit)
      : shield(detail::deadline_after(limit)) {}
  ~shield();
  shield(const shield&) = delete;
  shield& operator=(const shield&) = delete;

 private:
  class hidden_domain;
  class layer;

  explicit shield(clock::time_point limit);

  // Both null on a thread without contexts: there is nothing to hide.
  std::shared_ptr<hidden_domain> domain_;
  std::unique_ptr<layer> layer_;
};

// --- implementation ---------------------------------------------------------

class shield::hidden_domain final : public detail::stop_domain, private detail::timer {
 public:
  hidden_domain(detail::stop_domain& around, clock::time_point limit)
      : stop_domain(std::max(around.deadline(), limit), detail::keeper_around()),
        around_(around.shared_from_this()),
        limit_(limit) {
    follow(around_);
  }

  void end() noexcept {
    unfollow();
    if (keeper_)
      keeper_->remove(*this);
    keeper_.reset();
  }

 private:
  // Waits with the stop for the limit; if nobody can keep the time, stops at once rather than
  // never.
  void outer_stopped(stop_domain&) noexcept override {
    if (limit_ == detail::no_deadline)
      return;
    if (limit_ > clock::now()) {
      try {
        keeper_->add(*this, limit_);
        return;
      } catch (...) {
      }
    }
    stop(around_->cause());
  }

  void expired() noexcept override { stop(around_->cause()); }

  std::shared_ptr<stop_domain> around_;
  clock::time_point limit_;
};

class shield::layer final : public detail::context {
 public:
  using context::context;
  [[noreturn]] void raise() override {
    if (outer() != nullptr && outer()->domain().stop_requested())
      outer()->raise();
    throw detail::make_stopped(domain().cause());
  }
};

inline shield::shield(clock::time_point limit) {
  const detail::context* const outer = detail::this_thread.top;
  if (outer == nullptr)
    return;
  domain_ = std::make_shared<hidden_domain>(outer->domain(), limit);
  layer_ = std::make_unique<layer>(*domain_);
  domain_->add(*layer_, &detail::this_thread);
  layer_->enter();
}

inline shield::~shield() {
  if (!layer_)
    return;
  domain_->end();
  layer_->leave();
  domain_->remove(*layer_);
}

} // namespace roost::inline v0
