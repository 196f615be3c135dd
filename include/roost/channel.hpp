// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/channel_result.hpp>
#include <roost/clock.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/base/throw_misuse.hpp>
#include <roost/detail/channel/channel_core.hpp>
#include <roost/detail/channel/channel_end.hpp>
#include <roost/detail/channel/item_batch.hpp>
#include <roost/detail/channel/stored_item.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/stop/unwinding.hpp>
#include <roost/overflow.hpp>
#include <roost/site.hpp>

#include <cstddef>
#include <exception>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace roost::inline v0 {

template <class T>
class sender;
template <class T>
class receiver;

/// The two ends of a new channel, which hands items from any number of senders to any number of
/// receivers, in order. To wait for something without a value take an event.
///
/// ```cpp
/// roost::task_scope scope;
/// auto [tx, rx] = roost::make_channel<int>(16);  // ends that you keep: after the scope
/// scope.spawn([tx = std::move(tx)] { for (int i = 0; i < 10; ++i) (void)tx.send(i); });
/// for (int i : rx) use(i);               // ends: the only sender's end went with its task
/// ```
///
/// Ends are counted handles: copy them freely, give one to each task. When the last sender's end
/// goes, the channel is closed: what is in it can still be received. When the last receiver's end
/// goes, it is closed and what is in it is destroyed. close() on any end closes it for all. To wait
/// at several channels at once, take select().
///
/// Items are objects of a complete type; one that has to hold an end of its own channel is sent as
/// a std::unique_ptr. Threads: any number may use one end at once. Waiters are served first in,
/// first out; a call that need not wait may overtake them. (A single handle must not be moved from
/// or assigned to while another thread uses it.) Cancellation: send and receive throw `stopped`
/// when their task was asked to stop, even if they could go through, or find the channel closed;
/// the try_ forms do not look at stops. So a destructor, which must not throw, takes a try_ form,
/// or a shield. An item is delivered exactly once or stays where it was. Keep ends in a task's
/// captures: captures are destroyed after the task's failure is known, but locals, and ends passed
/// on by value, before that, as the stack unwinds. What other tasks of the scope throw because of
/// such a close counts as a later failure; but receivers outside the scope see a plain close.
/// Errors: bad_alloc leaves everything as it was. Cost: one lock per operation; up to 256 items per
/// lock for send_all to a channel that blocks when full, and for receive_some. A channel for more
/// than 1024 items allocates its room in blocks as they are needed, so a send may throw bad_alloc;
/// it frees blocks that are empty again, but a channel with a limit keeps them once it has been
/// full. Items that are neither small, trivially copyable and assignable, nor strings or standard
/// smart pointers, take one allocation each.
template <class T>
struct channel_ends {
  sender<T> tx;   ///< the end to send through
  receiver<T> rx; ///< the end to receive from
};

/// The type of `unbounded`.
struct unbounded_t {};
/// Tells make_channel() that the channel holds any number of items.
inline constexpr unbounded_t unbounded{};

/// A channel with room for exactly `capacity` items. With 0, a send waits until its item is
/// received. The name is for reports.
///
/// With clang 16 or later, and with g++, a lambda can capture the names of `auto [tx, rx] = ...` by
/// `[&]`. Clang 14 refuses that ("reference to local binding 'tx'"): name the ends by one variable,
/// `auto ch = roost::make_channel<int>();` with `ch.tx` and `ch.rx`, or capture them with a value,
/// `[&tx = tx]`, `[tx = std::move(tx)]`, which every compiler accepts.
template <class T>
channel_ends<T> make_channel(std::size_t capacity = 0, std::string_view name = {});

/// The same with a choice of what a send to a full channel does. With overflow::drop_oldest and
/// capacity 1 it holds the latest item.
template <class T>
channel_ends<T> make_channel(std::size_t capacity, overflow policy, std::string_view name = {});

/// A channel that holds any number of items: sends never wait. Mind the memory: it is freed as the
/// items are received, and all but one block once a receiver has found the channel empty.
template <class T>
channel_ends<T> make_channel(unbounded_t, std::string_view name = {});

namespace detail {
template <class T>
channel_ends<T> open_channel(std::size_t capacity, overflow policy, std::string_view name);

inline constexpr std::size_t unbounded_capacity = (std::numeric_limits<std::size_t>::max)();
} // namespace detail

/// The end to send through; see channel_ends for the rules of channels. An item passed as an rvalue
/// is taken only on success; otherwise the caller's variable still has it.
template <class T>
class sender : public detail::channel_end<detail::stored_item<T>, detail::channel_side::sending> {
  static_assert(std::is_object_v<T> && !std::is_const_v<T> && !std::is_array_v<T>,
                "roost::channel: the items must be values; send a pointer, a "
                "std::reference_wrapper or a std::array instead");
  static_assert(std::is_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
                "roost::channel: the items must be movable, and their destructor must not "
                "throw; send a std::unique_ptr to them instead");
  static_assert(std::is_nothrow_move_constructible_v<T> || std::is_move_assignable_v<T>,
                "roost::channel: items whose move constructor may throw must be move "
                "assignable; send a std::unique_ptr to them instead");

 public:
  /// Waits for room, or with capacity 0 for a receiver. Fails only if the channel is closed, or
  /// refuses the item by overflow::drop_newest. In a destructor take try_send(), or a shield: in a
  /// stopped task this throws, and that ends the program there.
  send_result send(T&& item, site where = site::current()) const {
    return send_at_once(item, where) ? channel_status::success
                                     : send_slowly(item, detail::no_deadline, where);
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

  /// Sends all, in this order, and waits for room as often as it must. Items that were sent are
  /// removed from `items`, even if a stop ends this with an exception. Returns how many were sent:
  /// fewer than all only if the channel was closed, or refused an item by overflow::drop_newest.
  [[nodiscard("fewer were sent if the channel was closed")]] std::size_t
  send_all(std::vector<T>&& items, site where = site::current()) const;

  /// The same with copies of a range's elements.
  template <class Range>
  [[nodiscard("fewer were sent if the channel was closed")]] std::size_t
  send_all(Range&& items, site where = site::current()) const;

  /// Closes the channel because of a failure: once nothing is left in it, range-for, value() and
  /// receive_some() rethrow `cause` for every receiver, and receive_result::error() returns it.
  /// False if the channel was closed before: then it stays as it was. This is for a failure that
  /// the receivers are to see, after the items sent before it: a task that throws stops its whole
  /// scope instead, at once.
  bool fail(std::exception_ptr cause, site where = site::current()) const;

 private:
  template <class>
  friend class weak_sender;
  template <class, class, class>
  friend class detail::send_case;
  friend channel_ends<T> detail::open_channel<T>(std::size_t, overflow, std::string_view);
  explicit sender(detail::counted_ptr<typename sender::core_type> core) noexcept
      : sender::channel_end(std::move(core)) {}

  // Throws if the task is stopped. False: nothing has happened yet; take the slow form.
  bool send_at_once(T& item, const site& where) const;
  [[gnu::noinline]] send_result
  send_slowly(T& item, clock::time_point deadline, const site& where) const;
  static T copy(const T& item);
};

/// The end to receive from; see channel_ends for the rules of channels. It is an input range: a
/// range-for receives until the channel is closed and empty. It throws when the task is stopped, or
/// when sender::fail() has closed the channel. Senders wait for it as long as it lives. So declare
/// a receiver that you keep after the senders' scope: then, if a loop is left early, even by an
/// exception, the receiver goes before the scope waits, and the senders find the channel closed.
template <class T>
class receiver
    : public detail::channel_end<detail::stored_item<T>, detail::channel_side::receiving> {
 public:
  class iterator;

  /// Waits for an item. The result is empty only if the channel is closed and empty.
  receive_result<T> receive(site where = site::current()) const {
    receive_result<T> result(channel_status::success);
    if (!receive_at_once(result, where))
      receive_slowly(result, detail::no_deadline, where);
    return result;
  }

  /// The same with a time limit; status timeout if it passed first.
  receive_result<T> receive_for(detail::any_duration timeout, site where = site::current()) const {
    return receive_until(detail::deadline_after(timeout), where);
  }

  /// The same until a point in time.
  receive_result<T> receive_until(detail::any_time_point deadline,
                                  site where = site::current()) const;

  /// Never waits: empty if it would have to.
  receive_result<T> try_receive(site where = site::current()) const;

  /// Waits for the first item and takes with it whatever else is there by then, up to `max` in all.
  /// (After a select, or with a deadline: receive the first item that way, and the others by
  /// try_receive().) Appends them to `items` and returns how many; 0 only if the channel is closed
  /// and empty. Rethrows the cause if sender::fail() closed the channel.
  [[nodiscard("nothing was received if the channel is closed")]] std::size_t
  receive_some(std::vector<T>& items, std::size_t max, site where = site::current()) const;

  /// Receives the first item. The iterator holds the item received last, which may be moved from.
  iterator begin(site where = site::current()) const { return iterator(*this, where); }
  /// The channel is closed and empty.
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  template <class, class>
  friend class detail::receive_case;
  friend channel_ends<T> detail::open_channel<T>(std::size_t, overflow, std::string_view);
  explicit receiver(detail::counted_ptr<typename receiver::core_type> core) noexcept
      : receiver::channel_end(std::move(core)) {}

  // Throws if the task is stopped. False: nothing has happened yet; take the slow form.
  bool receive_at_once(receive_result<T>& result, const site& where) const;
  [[gnu::noinline]] void
  receive_slowly(receive_result<T>& result, clock::time_point deadline, const site& where) const;
};

/// Holds the item received last; incrementing lets go of it and receives the next.
template <class T>
class receiver<T>::iterator {
 public:
  using iterator_concept = std::input_iterator_tag; ///< it goes through the items once
  using value_type = T;                             ///< the items
  using difference_type = std::ptrdiff_t;           ///< as the standard wants it
  static constexpr bool holds_its_element = true;   ///< tells for_each() to move items out

  /// The item.
  T& operator*() const noexcept { return *current_; }
  /// The item.
  T* operator->() const noexcept { return std::addressof(*current_); }
  /// Lets go of the item, and waits for the next. Throws as receive() does, and rethrows the cause
  /// if sender::fail() closed the channel.
  iterator& operator++() {
    current_ = receive_result<T>(channel_status::empty); // let go of the item before waiting
    receive();
    return *this;
  }
  /// The same.
  void operator++(int) { ++*this; }
  /// True if there is no item: the channel is closed and empty.
  friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept {
    return !i.current_;
  }

 private:
  friend receiver;
  iterator(const receiver& from, site where) : from_(&from), where_(where) { receive(); }

  void receive() {
    current_ = from_->receive(where_);
    if (current_.error())
      std::rethrow_exception(current_.error());
  }

  const receiver* from_;
  site where_;
  // mutable because the position is const, the item is not
  mutable receive_result<T> current_{channel_status::empty};
};

// --- implementation ---------------------------------------------------------

template <class T>
channel_ends<T> detail::open_channel(std::size_t capacity, overflow policy, std::string_view name) {
  auto core =
      detail::make_counted<detail::channel_core<detail::stored_item<T>>>(capacity, policy, name);
  return {sender<T>(core), receiver<T>(core)};
}

template <class T>
channel_ends<T> make_channel(std::size_t capacity, std::string_view name) {
  return make_channel<T>(capacity, overflow::block, name);
}

template <class T>
channel_ends<T> make_channel(std::size_t capacity, overflow policy, std::string_view name) {
  if (capacity > detail::unbounded_capacity / 2) {
    detail::throw_invalid_argument(
        "roost::make_channel: the capacity is negative or beyond all memory; say roost::unbounded "
        "for a channel without a limit");
  }
  if (capacity == 0 && policy == overflow::drop_oldest) {
    detail::throw_invalid_argument(
        "roost::make_channel: overflow::drop_oldest needs a capacity of 1 or more, to hold the "
        "latest item");
  }
  return detail::open_channel<T>(capacity, policy, name);
}

template <class T>
channel_ends<T> make_channel(unbounded_t, std::string_view name) {
  return detail::open_channel<T>(detail::unbounded_capacity, overflow::block, name);
}

template <class T>
send_result sender<T>::send_until(T&& item, detail::any_time_point deadline, site where) const {
  return send_at_once(item, where) ? channel_status::success : send_slowly(item, deadline, where);
}

template <class T>
bool sender<T>::send_at_once(T& item, const site& where) const {
  auto& channel = this->core(where);
  detail::throw_if_stopped_already();
  if constexpr (detail::stored_inline<T>)
    return !detail::sync::is_in_bubble() && channel.send_at_once(item);
  return false; // it needs a box first
}

template <class T>
send_result sender<T>::send_slowly(T& item, clock::time_point deadline, const site& where) const {
  auto& channel = this->core(where);
  detail::sync::at_call(&channel);
  const channel_status status = detail::send_outgoing(
      item, [&](auto& stored) { return channel.send(stored, deadline, where); });
  if (status == detail::status_stopped)
    detail::raise_stop();
  return status;
}

template <class T>
send_result sender<T>::try_send(T&& item, site where) const {
  auto& channel = this->core(where);
  detail::note_unwinding(&channel);
  return detail::send_outgoing(item, [&](auto& stored) { return channel.try_send(stored); });
}

template <class T>
std::size_t sender<T>::send_all(std::vector<T>&& items, site where) const {
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T>,
                "roost::sender::send_all: moving the items must not throw; send them one by one");
  static_assert(!std::is_same_v<T, bool>,
                "roost::sender::send_all: a std::vector<bool> has no bools; send them one by one");
  const auto channel =
      this->shared_core(where); // an item may own this end, and go before the next one
  detail::throw_if_stopped();
  std::size_t sent = 0;
  auto status = channel_status::success;
  {
    detail::outgoing_batch<T> out(items, sent);
    status = channel->send_all(out.stored(), sent, where);
  }
  if (status == detail::status_stopped)
    detail::raise_stop();
  return sent;
}

template <class T>
template <class Range>
std::size_t sender<T>::send_all(Range&& items, site where) const {
  static_assert(std::is_copy_constructible_v<T>,
                "roost::sender::send_all: these items cannot be copied; send the vector with "
                "std::move, which leaves a const one as it is: a lambda that holds it must be "
                "mutable");
  std::vector<T> copies;
  for (auto&& item : items)
    copies.emplace_back(item);
  return send_all(std::move(copies), where);
}

template <class T>
bool sender<T>::fail(std::exception_ptr cause, site where) const {
  if (!cause) {
    detail::throw_invalid_argument(
        "roost::sender::fail: there is no exception; to close without a failure call close()");
  }
  return this->close_with(std::move(cause), where);
}

template <class T>
T sender<T>::copy(const T& item) {
  static_assert(std::is_copy_constructible_v<T>,
                "roost::sender: these items cannot be copied; send them with std::move, which "
                "leaves a const one as it is: a lambda that holds it must be mutable");
  return T(item);
}

template <class T>
receive_result<T> receiver<T>::receive_until(detail::any_time_point deadline, site where) const {
  receive_result<T> result(channel_status::success);
  if (!receive_at_once(result, where))
    receive_slowly(result, deadline, where);
  return result;
}

template <class T>
bool receiver<T>::receive_at_once(receive_result<T>& result, const site& where) const {
  auto& channel = this->core(where);
  detail::throw_if_stopped_already();
  return !detail::sync::is_in_bubble() && channel.receive_at_once(result.item_);
}

template <class T>
void receiver<T>::receive_slowly(receive_result<T>& result,
                                 clock::time_point deadline,
                                 const site& where) const {
  auto& channel = this->core(where);
  detail::sync::at_call(&channel);
  const channel_status status = channel.receive(result.item_, deadline, where);
  if (status == detail::status_stopped)
    detail::raise_stop();
  result.ended(status, channel);
}

template <class T>
receive_result<T> receiver<T>::try_receive(site where) const {
  auto& channel = this->core(where);
  detail::sync::at_call(&channel);
  receive_result<T> result(channel_status::empty);
  result.ended(channel.try_receive(result.item_), channel);
  return result;
}

template <class T>
std::size_t receiver<T>::receive_some(std::vector<T>& items, std::size_t max, site where) const {
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "roost::receiver::receive_some: moving the items must not throw; receive them one "
                "by one");
  static_assert(!std::is_same_v<T, bool>,
                "roost::receiver::receive_some: a std::vector<bool> has no bools; receive them one "
                "by one");
  auto& channel = this->core(where);
  if (max == 0) {
    detail::throw_invalid_argument(
        "roost::receiver::receive_some: nothing can be received into no room; max must be 1 or "
        "more");
  }
  detail::throw_if_stopped();
  constexpr std::size_t usual = 64; // what else may come until the first is here
  const std::size_t there = channel.available();
  const std::size_t likely = there != 0 ? there : usual;
  max = max < likely ? max : likely;
  detail::incoming_batch<T> in(items, max); // from here on nothing can fail
  const std::optional<std::size_t> count = channel.receive_some(in.stored(), max, where);
  if (!count)
    detail::raise_stop();
  if (*count == 0) {
    if (const std::exception_ptr cause = channel.cause())
      std::rethrow_exception(cause);
  }
  return *count;
}

} // namespace roost::inline v0
