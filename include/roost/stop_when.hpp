// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/stop/overlay.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>
#include <roost/this_task.hpp>

#include <stop_token>
#include <utility>

namespace roost::inline v0 {

/// While it lives, `token` stops this thread's waits, too, and the scopes made under it. For
/// tokens from outside: a std::jthread's, or one that a framework hands to a callback.
///
/// ```cpp
/// void on_request(std::stop_token token) {
///   const roost::stop_when s(token);
///   roost::task_scope scope; // stopped by the token as well
///   scope.spawn(answer);
/// }
/// ```
///
/// Lifetime: a local of the thread that it covers. Make it before the scopes that it is to stop: a
/// stop of a scope around it stays with it, even once that scope was joined. Threads: that one. A
/// task that the token ends has not failed. Errors: bad_alloc. Cost: a few allocations.
class stop_when {
 public:
  /// Takes effect from here on; if the token was stopped before, at once.
  [[nodiscard("it works only while it lives: give it a name")]] explicit stop_when(
      std::stop_token token, site where = site::current());
  /// The token no longer reaches the thread.
  ~stop_when();
  stop_when(const stop_when&) = delete;
  stop_when& operator=(const stop_when&) = delete;

 private:
  class token_domain;

  struct token_stop {
    detail::stop_domain* domain;
    stop_cause cause;
    void operator()() noexcept {
      const detail::sync::turn_kept kept; // the destructor of callback_ waits for this
      domain->stop(std::move(cause));
    }
  };

  static detail::counted_ptr<token_domain> make_domain(const std::stop_token& token);

  detail::counted_ptr<token_domain> domain_;
  detail::overlay overlay_;
  std::stop_callback<token_stop> callback_; // last: gone before what it stops
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

class stop_when::token_domain final : public detail::stop_domain {
 public:
  token_domain(clock::time_point deadline, bool has_token)
      : stop_domain(deadline, {}),
        has_token_(has_token) {
    state_->around = detail::tokens_around();
  }

  detail::counted_ptr<const detail::token_state> tokens() const noexcept { return state_; }

 private:
  bool has_token_or_timer() const noexcept override { return has_token_ && !is_retired(); }

  // Not for a stop from around: the scope there has its own ways to tell of it.
  void on_stop(const stop_cause& cause, detail::claimed_list&) noexcept override {
    state_->has_stopped = cause.reason == stop_reason::token;
  }

  const bool has_token_; // one that can be stopped
  const detail::counted_ptr<detail::token_state> state_ =
      detail::make_counted<detail::token_state>();
};

ROOST_BODY detail::counted_ptr<stop_when::token_domain>
stop_when::make_domain(const std::stop_token& token) {
  detail::context* const outer = detail::this_thread.top;
  if (outer == nullptr) {
    auto domain = detail::make_counted<token_domain>(detail::no_deadline, token.stop_possible());
    domain->become_root(); // so that reports find the scopes that are made inside
    return domain;
  }
  detail::stop_domain& around = outer->domain_to_follow();
  auto domain = detail::make_counted<token_domain>(around.deadline(), token.stop_possible());
  domain->follow(around.shared_from_this());
  return domain;
}

ROOST_BODY stop_when::stop_when(std::stop_token token, site where)
    : domain_(make_domain(token)),
      overlay_(*domain_, where, domain_->tokens()),
      callback_(std::move(token),
                token_stop{domain_.get(),
                           detail::describe_stop(stop_reason::token,
                                                 "the token of a stop_when",
                                                 this_task::name(),
                                                 where)}) {
  overlay_.cover_this_thread();
}

ROOST_BODY stop_when::~stop_when() {
  overlay_.uncover();
  (void)domain_->retire();
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0
