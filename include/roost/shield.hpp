// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/context.hpp>
#include <roost/detail/layer.hpp>
#include <roost/detail/timekeeper.hpp>
#include <roost/detail/tree.hpp>
#include <roost/stop.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
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
class shield {
 public:
  template <class Rep, class Period>
  [[nodiscard("it works only while it lives: give it a name")]] explicit shield(
      std::chrono::duration<Rep, Period> limit)
      : shield(detail::deadline_after(limit)) {}
  ~shield();
  shield(const shield&) = delete;
  shield& operator=(const shield&) = delete;

 private:
  class hidden_domain;

  explicit shield(clock::time_point limit);

  // Both empty on a thread without contexts: there is nothing to hide.
  std::shared_ptr<hidden_domain> domain_;
  std::optional<detail::layer> layer_;
};

// --- implementation ---------------------------------------------------------

class shield::hidden_domain final : public detail::stop_domain, private detail::timer {
 public:
  hidden_domain(detail::stop_domain& around, clock::time_point limit)
      : stop_domain(detail::later(around.deadline(), limit), nullptr),
        limit_(limit) {}

  void end() noexcept {
    unfollow();
    keeper_->remove(*this);
    keeper_.reset();
  }

 private:
  // Waits with the first stop for the limit; if nobody can keep the time, passes it on at once
  // rather than never.
  void outer_stopped(stop_domain& outer) noexcept override {
    {
      const std::lock_guard lock(lock_);
      if (hidden_)
        return;
      hidden_ = outer.cause();
    }
    if (limit_ == detail::no_deadline)
      return;
    if (limit_ > clock::now()) {
      try {
        keeper_->add(*this, limit_);
        return;
      } catch (...) { // no thread for the timekeeper
      }
    }
    expired();
  }

  void expired() noexcept override {
    std::shared_ptr<const stop_cause> cause;
    {
      const std::lock_guard lock(lock_);
      cause = hidden_;
    }
    stop(std::move(cause));
  }

  // That of the scopes around, if there are any.
  static std::shared_ptr<detail::timekeeper> find_keeper() {
    const std::shared_ptr<detail::tree> tree = detail::tree_around();
    return tree ? std::shared_ptr<detail::timekeeper>(tree, &tree->keeper)
                : std::make_shared<detail::timekeeper>();
  }

  const clock::time_point limit_;
  std::shared_ptr<detail::timekeeper> keeper_ = find_keeper(); // the owner's alone
  std::shared_ptr<const stop_cause> hidden_;                   // guarded by lock_
};

inline shield::shield(clock::time_point limit) {
  const detail::context* const around = detail::this_thread.top;
  if (around == nullptr)
    return;
  domain_ = std::make_shared<hidden_domain>(around->domain(), limit);
  domain_->follow(around->domain().shared_from_this());
  layer_.emplace(*domain_).cover_this_thread();
}

inline shield::~shield() {
  if (!layer_)
    return;
  layer_->uncover();
  domain_->end();
}

} // namespace roost::inline v0
