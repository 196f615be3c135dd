// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/channel_result.hpp>
#include <roost/clock.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/base/throw_misuse.hpp>
#include <roost/detail/broadcast/broadcast_core.hpp>
#include <roost/detail/channel/stored_item.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/stop/unwinding.hpp>
#include <roost/overflow.hpp>
#include <roost/shared_result.hpp>
#include <roost/site.hpp>

#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>

namespace roost::inline v0::detail {

/// Base of the sending ends of a broadcast and of a watch: counted handles.
template <class T>
class broadcast_sender {
 public:
  /// One more end.
  broadcast_sender(const broadcast_sender& other) noexcept : core_(other.core_) {
    if (core_)
      core_->add_sender();
  }
  /// Takes the end over; of `other` nothing is left but to destroy it or to assign to it.
  broadcast_sender(broadcast_sender&& other) noexcept = default;
  /// One more end; the one that was here goes.
  // NOLINTNEXTLINE(bugprone-unhandled-self-assignment): a copy is swapped in
  broadcast_sender& operator=(const broadcast_sender& other) noexcept {
    broadcast_sender(other).core_.swap(core_);
    return *this;
  }
  /// Takes the end over; the one that was here goes.
  broadcast_sender& operator=(broadcast_sender&& other) noexcept {
    broadcast_sender(std::move(other)).core_.swap(core_);
    return *this;
  }
  /// The last one closes it.
  ~broadcast_sender() {
    if (core_) {
      note_unwinding();
      core_->drop_sender();
    }
  }

  /// Nothing can be sent from now on; what was sent can still be received. True for the call that
  /// closed it.
  bool close(site where = site::current()) const {
    core_type& all = core(where);
    note_unwinding();
    return all.close();
  }
  /// True once nothing can be sent any more.
  bool closed(site where = site::current()) const { return called(where).closed(); }

  /// How many receivers there are; copies of one count as one. Old news where other threads act.
  std::size_t receivers(site where = site::current()) const { return called(where).readers(); }

 protected:
  using core_type = broadcast_core<T>;

  explicit broadcast_sender(counted_ptr<core_type> core) noexcept : core_(std::move(core)) {}

  core_type& core(const site& where) const { return *shared_core(where); }
  core_type& called(const site& where) const { // see sync::at_call()
    sync::at_call(core_.get());
    return core(where);
  }

  /// Sends without a wait. An item that is not taken is back in `item`.
  channel_status try_to_send(T& item, const site& where) const {
    core_type& all = core(where);
    note_unwinding();
    return detail::send_outgoing(item, [&](auto& stored) {
      typename core_type::send_operation wanted(all, std::addressof(stored));
      (void)wanted.try_alone();
      return wanted.status();
    });
  }

  const counted_ptr<core_type>& shared_core(const site& where) const {
    if (core_)
      return core_;
    throw_moved_from("this broadcast or watch", where);
  }

 private:
  friend struct channel_probe;

  counted_ptr<core_type> core_; // null when moved from
};

/// Base of the receiving ends. Copies share a reader.
template <class T>
class broadcast_reader {
 public:
  class iterator;

  /// Where an iterator is equal to it, the broadcast or watch is closed, and no item is left.
  std::default_sentinel_t end() const noexcept { return {}; }

  /// True once nothing more can be sent; items that are left can still be received.
  bool closed(site where = site::current()) const { return called(where).core()->closed(); }

 protected:
  using core_type = broadcast_core<T>;

  broadcast_reader(counted_ptr<core_type> core, overflow when_slow)
      : reader_(detail::make_counted<typename core_type::reader>(std::move(core), when_slow)) {}
  ~broadcast_reader() = default;
  broadcast_reader(const broadcast_reader&) = default;
  broadcast_reader(broadcast_reader&&) noexcept = default;
  broadcast_reader& operator=(const broadcast_reader&) = default;
  broadcast_reader& operator=(broadcast_reader&&) noexcept = default;

  typename core_type::reader& reader(const site& where) const {
    if (reader_)
      return *reader_;
    throw_moved_from("this receiver of a broadcast or a watch", where);
  }
  typename core_type::reader& called(const site& where) const { // see sync::at_call()
    typename core_type::reader& its = reader(where);
    sync::at_call(its.core().get());
    return its;
  }

  shared_result<T>
  next_until(clock::time_point deadline, const char* operation, const site& where) const;
  shared_result<T> try_next(const site& where) const;

 private:
  friend struct channel_probe;

  counted_ptr<typename core_type::reader> reader_; // null when moved from
};

/// Holds the item received last; incrementing receives the next.
template <class T>
class broadcast_reader<T>::iterator {
 public:
  using iterator_concept = std::input_iterator_tag;     ///< it goes through the items once
  using value_type = T;                                 ///< the items
  using difference_type = std::ptrdiff_t;               ///< as the standard wants it
  static constexpr bool copies_keep_its_element = true; ///< tells for_each() not to copy items

  /// Receives the first item.
  iterator(const broadcast_reader& from, const char* operation, site where)
      : from_(&from),
        operation_(operation),
        where_(where),
        current_(receive()) {}

  /// The item.
  const T& operator*() const noexcept { return *current_; }
  /// The item.
  const T* operator->() const noexcept { return std::addressof(*current_); }
  /// Waits for the next item. Throws as a receive does.
  iterator& operator++() {
    current_ = receive();
    return *this;
  }
  /// The same.
  void operator++(int) { ++*this; }
  /// True if there is no item: it is closed, and nothing is left.
  friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept {
    return !i.current_;
  }

 private:
  shared_result<T> receive() const { return from_->next_until(no_deadline, operation_, where_); }

  const broadcast_reader* from_;
  const char* operation_;
  site where_;
  shared_result<T> current_;
};

// --- implementation ---------------------------------------------------------

template <class T>
shared_result<T> broadcast_reader<T>::next_until(clock::time_point deadline,
                                                 const char* operation,
                                                 const site& where) const {
  auto& from = reader(where);
  throw_if_stopped();
  typename core_type::receive_operation wanted(from);
  switch (happen(wanted, {operation, from.core()->name(), where}, deadline)) {
  case wait_state::stopped:
    raise_stop();
  case wait_state::timed_out:
    wanted.time_out();
    break;
  default:
    break;
  }
  return wanted.take();
}

template <class T>
shared_result<T> broadcast_reader<T>::try_next(const site& where) const {
  typename core_type::receive_operation wanted(called(where));
  (void)wanted.try_alone();
  return wanted.take();
}

} // namespace roost::inline v0::detail
