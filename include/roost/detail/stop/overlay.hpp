// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/counted.hpp>
#include <roost/detail/base/die.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>

#include <utility>

namespace roost::inline v0::detail {

/// The context of a stop_when or a shield: it lies over a task or a scope's body.
class overlay final : public context {
 public:
  explicit overlay(stop_domain& d,
                   const site& where,
                   counted_ptr<const token_state> tokens = nullptr) noexcept
      : context(d),
        where_(where),
        tokens_(std::move(tokens)) {}

  /// Ends the program on any thread but the one that it covers.
  void uncover() noexcept {
    if (!covers_this_thread())
      die("a shield or stop_when must end on the thread that made it; make it a local",
          "made",
          where_);
    context::uncover();
  }

  /// A stop from further out is thrown as it would be without this overlay.
  [[noreturn]] void raise() override {
    if (!stopped_by_token() && outer() != nullptr && outer()->domain().stop_requested())
      outer()->raise();
    throw make_stopped(domain().cause());
  }

  const counted_ptr<const kept_cause>& told_cause() const noexcept override {
    const bool is_outer =
        !stopped_by_token() && outer() != nullptr && outer()->domain().stop_requested();
    return is_outer ? outer()->told_cause() : domain().cause();
  }

  counted_ptr<const token_state> tokens() const noexcept override { return tokens_; }

 private:
  bool stopped_by_token() const noexcept {
    return domain().stop_requested() && domain().cause()->told.reason == stop_reason::token;
  }

  const site where_; // the line that made it
  const counted_ptr<const token_state> tokens_;
};

} // namespace roost::inline v0::detail
