// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/attempt.hpp>
#include <roost/detail/wait_queue.hpp>
#include <roost/site.hpp>

#include <concepts>
#include <utility>

namespace roost::inline v0::detail {

/// What a case does that has no handler.
struct no_handler {
  void operator()() const noexcept {}
};

/// Says that a case is taken over by a selector, and has to own what it can.
struct keep_t {};

/// One case of a select: an attempt, and what to do once it has happened.
///
/// Lifetime: it refers to what it was made from, so it belongs into the call of select() itself. A
/// selector makes one of its own from it, with copies of ends and items.
class select_case {
 public:
  select_case(const select_case&) = delete;
  select_case& operator=(const select_case&) = delete;

  /// Null for `otherwise`.
  attempt* what() const noexcept { return what_; }

  /// Before the first try, and after the last: an item that was not sent is back in its variable.
  void prepare() {
    if (item_ == item_kind::boxed)
      box_item();
  }
  void settle() {
    if (item_ == item_kind::boxed)
      unbox_item();
  }

  /// Calls the handler. Everything is unlocked and unlinked by then.
  virtual void run() = 0;

  /// It has happened, and will not happen again.
  virtual bool is_over() const noexcept { return true; }

  const site& where() const noexcept { return where_; }

 protected:
  enum class item_kind { plain, boxed };

  select_case(attempt* what, site where, item_kind item = item_kind::plain) noexcept
      : what_(what),
        where_(where),
        item_(item) {}
  ~select_case() = default;

 private:
  virtual void box_item() {}
  virtual void unbox_item() {}

  attempt* what_;
  site where_;
  item_kind item_;
};

template <class C>
concept is_case = std::derived_from<C, select_case>;

/// The case that threads wake who wait in a wait_queue.
template <class Ready, class F>
class queue_case final : public select_case {
 public:
  queue_case(wait_queue& queue, Ready ready, F handler, site where)
      : select_case(&attempt_, where),
        queue_(queue),
        ready_(ready),
        attempt_(queue, ready),
        handler_(std::move(handler)) {}
  queue_case(keep_t, queue_case&& from)
      : queue_case(from.queue_, from.ready_, std::move(from.handler_), from.where()) {}

  void run() override { handler_(); }

 private:
  wait_queue& queue_;
  Ready ready_;
  wait_queue::attempt<Ready> attempt_;
  F handler_;
};

template <class F>
constexpr void check_plain_handler() {
  static_assert(std::invocable<F&>,
                "roost::select: the handler of this case must be callable without arguments");
}

} // namespace roost::inline v0::detail
