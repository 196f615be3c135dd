// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/view.hpp>
#include <roost/detail/operation/operation.hpp>
#include <roost/detail/operation/wait_queue.hpp>
#include <roost/site.hpp>

#include <concepts>
#include <cstddef>
#include <utility>

namespace roost::inline v0::detail {

/// The handler of a case that has none.
struct no_handler {
  void operator()() const noexcept {}
};

/// Marks a constructor for a selector, which takes a case over: the new case owns what it can.
struct keep_t {};

/// One case of a select: an operation, and what to do once it has happened.
///
/// Lifetime: it refers to what it was made from, so it belongs in the call of select() itself. A
/// selector makes a case of its own from it, with copies of ends and items.
class select_case {
 public:
  select_case(const select_case&) = delete;
  select_case& operator=(const select_case&) = delete;

  /// Null for `otherwise`.
  operation* what() const noexcept { return what_; }

  /// Called before the first try, for each case of `all` in turn: puts an item that needs a box
  /// into one. If a second case sends the same variable, both send it from the same box.
  void prepare(view<select_case* const> all);

  /// Called after the last try: puts an item that was not sent back into its variable.
  virtual void settle() noexcept {}

  /// Calls the handler. Everything is unlocked and unlinked by then.
  virtual void run() = 0;

  /// True if it has happened, and will not happen again.
  virtual bool is_over() const noexcept { return true; }

  const site& where() const noexcept { return where_; }

 protected:
  /// The variable of an item that needs a box, and something that tells its type.
  struct variable {
    const void* address;
    const void* type;
    friend bool operator==(const variable&, const variable&) = default;
  };

  select_case(operation* what, site where, variable boxed = {nullptr, nullptr}) noexcept
      : what_(what),
        where_(where),
        boxed_(boxed) {}
  ~select_case() = default;

 private:
  /// Puts the item into a box, or sends it from `shared` if that is not null, and returns the box.
  virtual void* box(void* shared) { return shared; }

  operation* what_;
  site where_;
  variable boxed_;
  void* box_ = nullptr;
};

template <class C>
concept is_case = std::derived_from<C, select_case>;

/// A case that waits in a wait_queue, until a thread that changes the condition wakes it.
template <class Ready, class F>
class queue_case final : public select_case {
 public:
  queue_case(wait_queue& queue, Ready ready, F handler, site where)
      : select_case(&operation_, where),
        queue_(queue),
        ready_(ready),
        operation_(queue, ready),
        handler_(std::move(handler)) {}
  queue_case(keep_t, queue_case&& from)
      : queue_case(from.queue_, from.ready_, std::move(from.handler_), from.where()) {}

  void run() override { handler_(); }

 private:
  wait_queue& queue_;
  Ready ready_;
  wait_queue::wait_operation<Ready> operation_;
  F handler_;
};

// --- implementation ---------------------------------------------------------

inline void select_case::prepare(view<select_case* const> all) {
  if (boxed_.address == nullptr)
    return;
  void* shared = nullptr;
  for (std::size_t i = 0; all[i] != this && shared == nullptr; ++i) {
    if (all[i]->boxed_ == boxed_)
      shared = all[i]->box_;
  }
  box_ = box(shared);
}

template <class F>
constexpr void check_plain_handler() {
  static_assert(std::invocable<F&>,
                "roost::select: the handler of this case must be callable without arguments");
}

} // namespace roost::inline v0::detail
