// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/channel_result.hpp>
#include <roost/clock.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/broadcast/broadcast_core.hpp>
#include <roost/detail/broadcast/broadcast_end.hpp>
#include <roost/detail/channel/stored_item.hpp>
#include <roost/detail/select/broadcast_case.hpp>
#include <roost/detail/select/channel_case.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/overflow.hpp>
#include <roost/shared_result.hpp>
#include <roost/site.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>

namespace roost::inline v0 {

template <class T>
class broadcast_receiver;

/// Sends each item to every receiver. Where each item is for one of them take a channel, where only
/// the latest value counts a watch.
///
/// ```cpp
/// roost::broadcast<quote> quotes(64);
/// scope.spawn([rx = quotes.subscribe()] { for (const quote& q : rx) show(q); });
/// scope.spawn([rx = quotes.subscribe(roost::overflow::drop_oldest)] { draw(rx.receive()); });
/// (void)quotes.send(latest());          // both get it
/// ```
///
/// This is the sending end, a counted handle. When the last one goes, or one is close()d, receivers
/// get what is left for them, and then find the broadcast closed. Receivers come and go: one that
/// subscribes begins with the latest item, if there was one; without any receiver a send succeeds.
///
/// The latest `capacity` items are kept. A receiver that is that many behind either holds up the
/// senders (overflow::block), or loses the oldest items and is told how many
/// (overflow::drop_oldest). The constructor sets this for all receivers, subscribe() for one. A
/// receiver that holds up the senders must go on receiving, or be destroyed.
///
/// Items are as in channels, except that receivers share them and see them as const. An item is
/// destroyed once `capacity` newer ones have come and no result holds it; so an item that owns an
/// end of its own broadcast keeps the broadcast until then. Threads: any number may use one end at
/// once; waiting senders are served in the order they came. (A single handle must not be moved from
/// or assigned to while another thread uses it.) Cancellation: send and receive throw `stopped`
/// when their task was asked to stop, even if they could go through; the item then has not been
/// sent, or can still be received. Errors: bad_alloc leaves everything as it was. Cost: one lock
/// per operation, and for a send one wake-up per waiting receiver. Items that are small,
/// trivially copyable and assignable, and std::shared_ptr, are copied without an allocation; a
/// string or a std::unique_ptr takes one allocation, any other item two at most.
template <class T>
class [[nodiscard]] broadcast : public detail::broadcast_sender<T> {
  static_assert(std::is_object_v<T> && !std::is_const_v<T> && !std::is_array_v<T>,
                "roost::broadcast: the items must be values; send a pointer, a "
                "std::reference_wrapper or a std::array instead");
  static_assert(std::is_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
                "roost::broadcast: the items must be movable, and their destructor must not "
                "throw; send a std::shared_ptr to them instead");
  static_assert(std::is_nothrow_move_constructible_v<T> || std::is_move_assignable_v<T>,
                "roost::broadcast: items whose move constructor may throw must be move "
                "assignable; send a std::shared_ptr to them instead");

 public:
  /// Throws std::invalid_argument for a capacity of 0, and for overflow::drop_newest. The name is
  /// for reports. Room for all items is allocated here.
  explicit broadcast(std::size_t capacity,
                     overflow slow_receivers = overflow::block,
                     std::string_view name = {})
      : broadcast::broadcast_sender(
            detail::make_counted<core_type>(checked(capacity), checked(slow_receivers), name)) {}

  /// Another receiver, with the broadcast's policy for slow ones.
  broadcast_receiver<T> subscribe(site where = site::current()) const;
  /// The same with a policy of its own.
  broadcast_receiver<T> subscribe(overflow when_slow, site where = site::current()) const;

  /// Waits until no receiver holds it up. Fails only if the broadcast is closed; an item passed as
  /// an rvalue is then still in its variable.
  send_result send(T&& item, site where = site::current()) const {
    return send_until(std::move(item), detail::no_deadline, where);
  }
  /// Sends a copy.
  send_result send(const T& item, site where = site::current()) const {
    return send(copy(item), where);
  }

  /// The same with a time limit; status timeout if it passed first.
  send_result send_for(T&& item, detail::any_duration timeout, site where = site::current()) const {
    return send_until(std::move(item), detail::deadline_after(timeout), where);
  }
  /// Sends a copy.
  send_result
  send_for(const T& item, detail::any_duration timeout, site where = site::current()) const {
    return send_until(item, detail::deadline_after(timeout), where);
  }

  /// The same until a point in time.
  send_result
  send_until(T&& item, detail::any_time_point deadline, site where = site::current()) const;
  /// Sends a copy.
  send_result
  send_until(const T& item, detail::any_time_point deadline, site where = site::current()) const {
    return send_until(copy(item), deadline, where);
  }

  /// Never waits: full if it would have to.
  send_result try_send(T&& item, site where = site::current()) const;
  /// Sends a copy.
  send_result try_send(const T& item, site where = site::current()) const {
    return try_send(copy(item), where);
  }

  /// How many items are kept.
  std::size_t capacity(site where = site::current()) const { return this->core(where).capacity(); }

 private:
  template <class>
  friend class broadcast_receiver;
  template <class, class, class>
  friend class detail::send_case;
  using core_type = detail::broadcast_core<T>;

  static std::size_t checked(std::size_t capacity);
  static overflow checked(overflow policy);
  static T copy(const T& item);
};

/// The receiving end. Each subscribed receiver gets every item; copies of one receiver share its
/// items, and each item goes to one of them. It is an input range: a range-for receives until the
/// broadcast is closed and nothing is left, and skips lost items, see missed().
template <class T>
class [[nodiscard]] broadcast_receiver : public detail::broadcast_reader<T> {
 public:
  /// Waits for an item. The result is empty only if the broadcast is closed and nothing is left.
  shared_result<T> receive(site where = site::current()) const {
    return receive_until(detail::no_deadline, where);
  }

  /// The same with a time limit; status timeout if it passed first.
  shared_result<T> receive_for(detail::any_duration timeout, site where = site::current()) const {
    return receive_until(detail::deadline_after(timeout), where);
  }

  /// The same until a point in time.
  shared_result<T> receive_until(detail::any_time_point deadline,
                                 site where = site::current()) const {
    return this->next_until(deadline, operation, where);
  }

  /// Never waits: empty if it would have to.
  shared_result<T> try_receive(site where = site::current()) const { return this->try_next(where); }

  /// Receives the first item.
  auto begin(site where = site::current()) const {
    return typename broadcast_receiver::iterator(*this, operation, where);
  }

  /// Another receiver, which begins with the latest item.
  broadcast_receiver subscribe(site where = site::current()) const {
    return subscribe(this->reader(where).core()->slow_readers(), where);
  }
  /// The same with a policy of its own.
  broadcast_receiver subscribe(overflow when_slow, site where = site::current()) const {
    return broadcast_receiver(this->reader(where).core(), broadcast<T>::checked(when_slow));
  }

  /// How many items are there for this receiver: old news where other threads act.
  std::size_t size(site where = site::current()) const { return this->called(where).size(); }

  /// How many items it has lost so far, because it was slow under overflow::drop_oldest.
  std::uint64_t missed(site where = site::current()) const { return this->reader(where).missed(); }

 private:
  template <class>
  friend class broadcast;
  template <class, class, class>
  friend class detail::shared_receive_case;
  using detail::broadcast_reader<T>::broadcast_reader;

  static constexpr const char* operation = "broadcast_receiver::receive";
};

/// A case of a select: an item was received, or the broadcast is closed and nothing is left: calls
/// handler(shared_result<T>).
template <class T, class F>
auto on_receive(const broadcast_receiver<T>& from, F handler, site where = site::current());

/// A case of a select: the item was sent, or was not because the broadcast is closed: calls
/// handler(send_result).
template <class T, class F>
auto on_send(const broadcast<T>& to,
             std::type_identity_t<T>&& item,
             F handler,
             site where = site::current());
/// The same with a copy.
template <class T, class F>
auto on_send(const broadcast<T>& to,
             const std::type_identity_t<T>& item,
             F handler,
             site where = site::current());

// --- implementation ---------------------------------------------------------

template <class T>
std::size_t broadcast<T>::checked(std::size_t capacity) {
  if (capacity == 0) {
    throw std::invalid_argument(
        "roost::broadcast: it needs a capacity of 1 or more, to hold the latest item");
  }
  if (capacity > (std::numeric_limits<std::size_t>::max)() / 2) {
    throw std::invalid_argument("roost::broadcast: the capacity is negative; it is how many items "
                                "a receiver may be behind");
  }
  return capacity;
}

template <class T>
overflow broadcast<T>::checked(overflow policy) {
  if (policy == overflow::drop_newest) {
    throw std::invalid_argument(
        "roost::broadcast: all receivers get the newest item; a slow one can hold up the senders "
        "(overflow::block) or lose the oldest (overflow::drop_oldest)");
  }
  return policy;
}

template <class T>
broadcast_receiver<T> broadcast<T>::subscribe(site where) const {
  return subscribe(this->core(where).slow_readers(), where);
}

template <class T>
broadcast_receiver<T> broadcast<T>::subscribe(overflow when_slow, site where) const {
  return broadcast_receiver<T>(this->shared_core(where), checked(when_slow));
}

template <class T>
send_result broadcast<T>::send_until(T&& item, detail::any_time_point deadline, site where) const {
  auto& core = this->core(where);
  detail::throw_if_stopped();
  auto end = detail::wait_state::done;
  auto status = channel_status::timeout;
  detail::send_outgoing(item, [&](auto& stored) {
    typename core_type::send_operation wanted(core, std::addressof(stored));
    end = detail::happen(wanted, {"broadcast::send", core.name(), where}, deadline);
    if (end != detail::wait_state::timed_out)
      status = wanted.status();
  });
  if (end == detail::wait_state::stopped)
    detail::raise_stop();
  return status;
}

template <class T>
send_result broadcast<T>::try_send(T&& item, site where) const {
  return this->try_to_send(item, where);
}

template <class T>
T broadcast<T>::copy(const T& item) {
  static_assert(std::is_copy_constructible_v<T>,
                "roost::broadcast: these items cannot be copied; send them with std::move");
  return item;
}

template <class T, class F>
auto on_receive(const broadcast_receiver<T>& from, F handler, site where) {
  static_assert(std::is_invocable_v<F&, shared_result<T>>,
                "roost::on_receive: the handler must be callable with a shared_result<T>; it is "
                "empty when the broadcast is closed");
  return detail::shared_receive_case<broadcast_receiver<T>, T, F>(from, std::move(handler), where);
}

template <class T, class F>
auto on_send(const broadcast<T>& to, std::type_identity_t<T>&& item, F handler, site where) {
  return detail::send_case<T, F, broadcast<T>>(to, item, std::move(handler), where);
}

template <class T, class F>
auto on_send(const broadcast<T>& to, const std::type_identity_t<T>& item, F handler, site where) {
  return detail::send_case<T, F, broadcast<T>>(to, item, std::move(handler), where);
}

} // namespace roost::inline v0
