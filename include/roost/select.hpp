// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/channel.hpp>
#include <roost/clock.hpp>
#include <roost/detail/base/view.hpp>
#include <roost/detail/operation/operation.hpp>
#include <roost/detail/select/channel_case.hpp>
#include <roost/detail/select/select_case.hpp>
#include <roost/detail/select/select_first.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/event.hpp>
#include <roost/site.hpp>
#include <roost/ticker.hpp>
#include <roost/wait_group.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace roost::inline v0 {

/// Waits for several things at once. Exactly one of them happens; its handler is called, and the
/// index of its case is returned. For cases that come and go take a selector.
///
/// ```cpp
/// roost::select(
///     roost::on_receive(requests, [&](auto r) { r ? serve(*r) : finish(); }),
///     roost::on_send(tx, item, [&](roost::send_result sent) { note(sent.status()); }),
///     roost::on_timeout(2s, [&] { give_up(); }));
/// ```
///
/// Of several cases that can happen at once, each is equally likely. The case of a closed channel
/// can happen every time, with status closed: so to loop until several channels are closed take a
/// selector. With a case `otherwise` it does not wait: that case happens if at one and the same
/// moment no other could. Without any case it waits until the task is stopped.
///
/// Write the cases into the call: they refer to what is passed to them. An item passed as an
/// rvalue is taken only if it is sent; it may be offered in several cases. One channel may be in
/// several cases, and a select does not receive what it sends itself. What one case waits at must
/// not be destroyed with the item of another.
///
/// Handlers are called after everything is unlocked: they may wait, select again, or throw.
///
/// Cancellation: no case is needed for a stop. It throws when its task is stopped, before it looks
/// at any case; then nothing has happened. Errors: bad_alloc leaves everything as it was.
///
/// Cost: no allocation, unless an item needs one to be sent (see sender). One lock for each case
/// that is asked; each time it has to wait, two more for each case. It holds all locks at once only
/// to ask the cases and to queue at them.
template <class... Cases>
std::size_t select(Cases&&... cases);

/// The same, but the cases are asked in the order written, and the first one that can happen does.
/// Those below wait for as long as one above can happen, and a closed channel always can: where one
/// may close before the others take selector::select_biased(), which drops it.
template <class... Cases>
std::size_t select_biased(Cases&&... cases);

/// Waits until the task is stopped.
[[noreturn]] void select(site where = site::current());

/// An item was received, or the channel is closed and empty: calls handler(receive_result<T>). If
/// sender::fail() has closed it, error() is the cause, and value() throws it.
template <class T, class F>
auto on_receive(const receiver<T>& from, F handler, site where = site::current());

/// The item was sent, or was not because the channel is closed or overflow::drop_newest refuses
/// it: calls handler(send_result).
template <class T, class F>
auto on_send(const sender<T>& to,
             std::type_identity_t<T>&& item,
             F handler,
             site where = site::current());
/// The same with a copy.
template <class T, class F>
auto on_send(const sender<T>& to,
             const std::type_identity_t<T>& item,
             F handler,
             site where = site::current());

/// The event is set: calls handler(), as all the cases that follow do.
template <class F = detail::no_handler>
auto on_set(const event& e, F handler = {}, site where = site::current());
template <class F = detail::no_handler>
auto on_set(const event&&, F = {}, site = site::current()) = delete; // it would be gone

/// The group's count is zero. For a task's handle there is another on_done.
template <class F = detail::no_handler>
auto on_done(const wait_group& group, F handler = {}, site where = site::current());
template <class F = detail::no_handler>
auto on_done(const wait_group&&, F = {}, site = site::current()) = delete; // it would be gone

/// The ticker's next tick is due, and is taken. A handler that takes a number gets how many ticks
/// after it were left out, which is what ticker::wait() returns.
template <class F = detail::no_handler>
auto on_tick(ticker& t, F handler = {}, site where = site::current());

/// The timeout has passed, counted from this call: so in a loop it begins anew with each select.
/// For a fixed beat take on_tick, for a fixed end on_deadline. A timeout that is over at once is as
/// likely as any other case that can happen; to look without waiting take `otherwise`.
template <class F = detail::no_handler>
auto on_timeout(detail::any_duration timeout, F handler = {}, site where = site::current());
/// The deadline has passed.
template <class F = detail::no_handler>
auto on_deadline(detail::any_time_point deadline, F handler = {}, site where = site::current());

/// No other case can happen at this moment.
template <class F = detail::no_handler>
auto otherwise(F handler = {}, site where = site::current());

// --- implementation ---------------------------------------------------------

namespace detail {

template <class F>
class tick_case final : public select_case {
 public:
  tick_case(ticker& t, F handler, site where)
      : select_case(&operation_, where),
        ticker_(t),
        operation_(t),
        handler_(std::move(handler)) {}
  tick_case(keep_t, tick_case&& other)
      : tick_case(other.ticker_, std::move(other.handler_), other.where()) {}

  bool is_over() const noexcept override { return false; }
  void run() override {
    if constexpr (std::invocable<F&, std::int64_t>) {
      handler_(operation_.left_out());
    } else {
      handler_();
    }
  }

 private:
  ticker& ticker_;
  ticker::tick operation_;
  F handler_;
};

/// A wait for a point in time.
class time_operation final : public operation {
 public:
  explicit time_operation(clock::time_point due) noexcept
      : operation({}, nullptr, nullptr),
        due_(due) {}

  bool try_locked() noexcept override { return sync::now() >= due_; }
  void conclude(wait_state) noexcept override {}
  clock::time_point due() const noexcept override { return due_; }
  void describe(object_note& note) const noexcept override { note.kind = "timer"; }

 private:
  clock::time_point due_;
};

template <class F>
class time_case final : public select_case {
 public:
  time_case(clock::time_point due, F handler, site where)
      : select_case(&operation_, where),
        operation_(due),
        handler_(std::move(handler)) {}
  time_case(keep_t, time_case&& other)
      : time_case(other.operation_.due(), std::move(other.handler_), other.where()) {}

  void run() override { handler_(); }

 private:
  time_operation operation_;
  F handler_;
};

template <class F>
class otherwise_case final : public select_case {
 public:
  otherwise_case(F handler, site where)
      : select_case(nullptr, where),
        handler_(std::move(handler)) {}

  void run() override { handler_(); }

 private:
  F handler_;
};

template <class C>
inline constexpr bool is_otherwise = false;
template <class F>
inline constexpr bool is_otherwise<otherwise_case<F>> = true;

/// Has the access to the insides of primitives that their cases need.
struct case_maker {
  template <class F>
  static auto on_set(const event& e, F handler, site where) {
    return queue_case<event::is_set_now, F>(e.waiters_, {e}, std::move(handler), where);
  }
  template <class F>
  static auto on_done(const wait_group& group, F handler, site where) {
    return queue_case<wait_group::is_zero, F>(group.waiters_, {group}, std::move(handler), where);
  }
};

/// The part of a select that is the same for all kinds of cases. The last two parameters are room
/// to work in.
inline std::size_t select_among(view<select_case* const> cases,
                                turn order,
                                patience how_long,
                                view<operation*> in_turn,
                                view<operation*> by_lock) {
  throw_if_stopped();
  std::size_t count = 0;
  for (select_case* const c : cases) {
    c->prepare(cases);
    if (c->what() == nullptr)
      continue;
    in_turn[count] = by_lock[count] = c->what();
    ++count;
  }
  const first_ended first = select_first({in_turn.data(), count},
                                         {by_lock.data(), count},
                                         order,
                                         how_long,
                                         {"select", {}, cases[0]->where()},
                                         no_deadline);
  for (select_case* const c : cases)
    c->settle();
  if (first.end == wait_state::stopped)
    raise_stop();
  std::size_t index = 0;
  while (cases[index]->what() != first.which)
    ++index;
  cases[index]->run();
  return index;
}

template <class... Cases>
std::size_t select_among(turn order, Cases&&... cases) {
  static_assert(sizeof...(Cases) > 0,
                "roost::select_biased: it needs a case; to wait for a stop call select()");
  static_assert((is_case<std::remove_cvref_t<Cases>> && ...),
                "roost::select: its arguments are cases, made by on_receive, on_send, on_set, "
                "on_done, on_tick, on_timeout, on_deadline or otherwise");
  static_assert((!std::is_lvalue_reference_v<Cases> && ...),
                "roost::select: write the cases into the call itself; they refer to what they are "
                "made from");
  constexpr auto otherwises =
      (std::size_t{0} + ... + std::size_t{is_otherwise<std::remove_cvref_t<Cases>>});
  static_assert(otherwises <= 1, "roost::select: a select has at most one case `otherwise`");
  constexpr std::size_t count = sizeof...(Cases);
  const std::array<select_case*, count> all = {&cases...};
  std::array<operation*, count> in_turn{};
  std::array<operation*, count> by_lock{};
  return select_among(
      all, order, otherwises == 0 ? patience::wait : patience::try_only, in_turn, by_lock);
}

} // namespace detail

template <class... Cases>
std::size_t select(Cases&&... cases) {
  return detail::select_among(detail::turn::fair, std::forward<Cases>(cases)...);
}

template <class... Cases>
std::size_t select_biased(Cases&&... cases) {
  return detail::select_among(detail::turn::biased, std::forward<Cases>(cases)...);
}

inline void select(site where) {
  detail::throw_if_stopped();
  (void)detail::wait_for_first({}, {}, {"select", {}, where}, detail::no_deadline);
  detail::raise_stop(); // nothing else ends a wait for nothing
}

template <class T, class F>
auto on_receive(const receiver<T>& from, F handler, site where) {
  return detail::receive_case<T, F>(from, std::move(handler), where);
}

template <class T, class F>
auto on_send(const sender<T>& to, std::type_identity_t<T>&& item, F handler, site where) {
  return detail::send_case<T, F>(to, item, std::move(handler), where);
}

template <class T, class F>
auto on_send(const sender<T>& to, const std::type_identity_t<T>& item, F handler, site where) {
  return detail::send_case<T, F>(to, item, std::move(handler), where);
}

template <class F>
auto on_set(const event& e, F handler, site where) {
  detail::check_plain_handler<F>();
  return detail::case_maker::on_set(e, std::move(handler), where);
}

template <class F>
auto on_done(const wait_group& group, F handler, site where) {
  detail::check_plain_handler<F>();
  return detail::case_maker::on_done(group, std::move(handler), where);
}

template <class F>
auto on_tick(ticker& t, F handler, site where) {
  static_assert(std::invocable<F&> || std::invocable<F&, std::int64_t>,
                "roost::select: the handler of on_tick must be callable without arguments, or with "
                "how many ticks were left out, a std::int64_t");
  return detail::tick_case<F>(t, std::move(handler), where);
}

template <class F>
auto on_timeout(detail::any_duration timeout, F handler, site where) {
  return roost::on_deadline(detail::deadline_after(timeout), std::move(handler), where);
}

template <class F>
auto on_deadline(detail::any_time_point deadline, F handler, site where) {
  detail::check_plain_handler<F>();
  return detail::time_case<F>(deadline, std::move(handler), where);
}

template <class F>
auto otherwise(F handler, site where) {
  detail::check_plain_handler<F>();
  return detail::otherwise_case<F>(std::move(handler), where);
}

} // namespace roost::inline v0
