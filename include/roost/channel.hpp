// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/channel_result.hpp>
#include <roost/clock.hpp>
#include <roost/detail/channel_core.hpp>
#include <roost/detail/channel_end.hpp>
#include <roost/detail/context.hpp>
#include <roost/detail/stored_item.hpp>
#include <roost/site.hpp>

#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>

namespace roost::inline v0 {

/// A channel hands items from any number of senders to any number of receivers, in order. It is
/// reached through its two kinds of ends. To wait for something without a value take an event.
///
///     auto [tx, rx] = roost::make_channel<int>(16);
///     scope.spawn([tx = std::move(tx)] { for (int i = 0; i < 10; ++i) (void)tx.send(i); });
///     for (int i : rx) use(i);               // ends: the only sender's end went with its task
///
/// Ends are counted handles: copy them freely, give one to each task. When the last sender's end
/// goes, the channel is closed: what is in it can still be received. When the last receiver's end
/// goes, it is closed and what is in it is destroyed. close() on any end closes it for all.
///
/// Threads: any number may use one end at once. Waiters are served in the order they came. (A
/// single handle must not be moved from or assigned to while another thread uses it.)
/// Cancellation: send and receive throw `stopped` when their task was asked to stop, even if they
/// could go through; the try_ forms do not look at stops. An item is delivered once or stays.
/// Errors: bad_alloc leaves everything as it was.
/// Cost: one lock an operation. Items that are neither small and trivially copyable nor strings or
/// standard smart pointers take one allocation each.
template <class T>
class sender;
template <class T>
class receiver;

/// The two ends of a new channel.
template <class T>
struct channel_ends {
  sender<T> tx;
  receiver<T> rx;
};

struct unbounded_t {};
inline constexpr unbounded_t unbounded{};

/// A channel that holds up to `capacity` items, exactly. With 0, a send waits until its item was
/// received. The name is for reports.
template <class T>
channel_ends<T> make_channel(std::size_t capacity = 0, std::string_view name = {});

/// A channel that holds any number of items: sends never wait. Mind the memory.
template <class T>
channel_ends<T> make_channel(unbounded_t, std::string_view name = {});

/// The end to send through. An item passed as an rvalue is taken only on success; otherwise the
/// caller's variable still has it.
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
  /// Waits for room, or with capacity 0 for a receiver. Not a success only if closed.
  send_result send(T&& item, site where = site::current()) const {
    return send_until(std::move(item), detail::no_deadline, where);
  }
  send_result send(const T& item, site where = site::current()) const {
    return send_until(item, detail::no_deadline, where);
  }

  template <class Rep, class Period>
  send_result send_for(T&& item,
                       std::chrono::duration<Rep, Period> timeout,
                       site where = site::current()) const {
    return send_until(std::move(item), detail::deadline_after(timeout), where);
  }
  template <class Rep, class Period>
  send_result send_for(const T& item,
                       std::chrono::duration<Rep, Period> timeout,
                       site where = site::current()) const {
    return send_until(item, detail::deadline_after(timeout), where);
  }

  send_result send_until(T&& item, clock::time_point deadline, site where = site::current()) const;
  send_result
  send_until(const T& item, clock::time_point deadline, site where = site::current()) const {
    return send_until(copy(item), deadline, where);
  }

  /// Never waits: full if it would have to.
  send_result try_send(T&& item) const;
  send_result try_send(const T& item) const { return try_send(copy(item)); }

 private:
  friend channel_ends<T> make_channel<T>(std::size_t, std::string_view);
  explicit sender(std::shared_ptr<typename sender::core_type> core) noexcept
      : sender::channel_end(std::move(core)) {}

  static T copy(const T& item);
};

/// The end to receive from. It is an input range: a range-for receives until the channel is closed
/// and empty, and throws when the task is stopped.
template <class T>
class receiver
    : public detail::channel_end<detail::stored_item<T>, detail::channel_side::receiving> {
 public:
  class iterator;

  /// Waits for an item. Without one only if the channel is closed and empty.
  receive_result<T> receive(site where = site::current()) const {
    return receive_until(detail::no_deadline, where);
  }

  template <class Rep, class Period>
  receive_result<T> receive_for(std::chrono::duration<Rep, Period> timeout,
                                site where = site::current()) const {
    return receive_until(detail::deadline_after(timeout), where);
  }

  receive_result<T> receive_until(clock::time_point deadline, site where = site::current()) const;

  /// Never waits: empty if it would have to.
  receive_result<T> try_receive() const;

  /// Receives the first item. The items lie in the iterator and may be moved from.
  iterator begin(site where = site::current()) const { return iterator(*this, where); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  friend channel_ends<T> make_channel<T>(std::size_t, std::string_view);
  explicit receiver(std::shared_ptr<typename receiver::core_type> core) noexcept
      : receiver::channel_end(std::move(core)) {}
};

/// Holds the item received last; incrementing lets go of it and receives the next.
template <class T>
class receiver<T>::iterator {
 public:
  using iterator_concept = std::input_iterator_tag;
  using value_type = T;
  using difference_type = std::ptrdiff_t;

  T& operator*() const noexcept { return *current_; }
  T* operator->() const noexcept { return &*current_; }
  iterator& operator++() {
    current_ = receive_result<T>(channel_status::empty); // let go of the item before waiting
    current_ = from_->receive(where_);
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept {
    return !i.current_;
  }

 private:
  friend receiver;
  iterator(const receiver& from, site where)
      : from_(&from),
        where_(where),
        current_(from.receive(where)) {}

  const receiver* from_;
  site where_;
  mutable receive_result<T> current_; // the position is const, the item is not
};

// --- implementation ---------------------------------------------------------

template <class T>
channel_ends<T> make_channel(std::size_t capacity, std::string_view name) {
  auto core = std::make_shared<detail::channel_core<detail::stored_item<T>>>(capacity, name);
  return {sender<T>(core), receiver<T>(core)};
}

template <class T>
channel_ends<T> make_channel(unbounded_t, std::string_view name) {
  return make_channel<T>(detail::unbounded_capacity, name);
}

template <class T>
send_result sender<T>::send_until(T&& item, clock::time_point deadline, site where) const {
  auto& channel = this->core();
  detail::throw_if_stopped();
  auto end = detail::wait_state::waiting;
  {
    detail::outgoing_item<T> out(item);
    end = channel.send(out.stored(), deadline, where);
  }
  switch (end) {
  case detail::wait_state::stopped:
    detail::raise_stop();
  case detail::wait_state::closed:
    return channel_status::closed;
  case detail::wait_state::timed_out:
    return channel_status::timeout;
  default:
    return channel_status::success;
  }
}

template <class T>
send_result sender<T>::try_send(T&& item) const {
  auto& channel = this->core();
  detail::outgoing_item<T> out(item);
  return channel.try_send(out.stored());
}

template <class T>
T sender<T>::copy(const T& item) {
  static_assert(std::is_copy_constructible_v<T>,
                "roost::sender: these items cannot be copied; send them with std::move");
  return T(item);
}

template <class T>
receive_result<T> receiver<T>::receive_until(clock::time_point deadline, site where) const {
  auto& channel = this->core();
  detail::throw_if_stopped();
  receive_result<T> result(channel_status::success);
  switch (channel.receive(result.item_, deadline, where)) {
  case detail::wait_state::stopped:
    detail::raise_stop();
  case detail::wait_state::closed:
    result.status_ = channel_status::closed;
    break;
  case detail::wait_state::timed_out:
    result.status_ = channel_status::timeout;
    break;
  default:
    break;
  }
  return result;
}

template <class T>
receive_result<T> receiver<T>::try_receive() const {
  receive_result<T> result(channel_status::success);
  result.status_ = this->core().try_receive(result.item_);
  return result;
}

} // namespace roost::inline v0
