// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/broadcast/broadcast_core.hpp>
#include <roost/detail/broadcast/broadcast_end.hpp>
#include <roost/detail/select/broadcast_case.hpp>
#include <roost/overflow.hpp>
#include <roost/shared_result.hpp>
#include <roost/site.hpp>

#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

namespace roost::inline v0 {

template <class T>
class watch_receiver;

/// The latest value of something, such as a configuration: to look at, and to wait for the next
/// one. Values in between may be left out; where each counts take a broadcast.
///
/// ```cpp
/// roost::watch<config> current(read_config());
/// scope.spawn([rx = current.subscribe()] { for (const config& c : rx) apply(c); });
/// current.set(read_config());           // never waits
/// ```
///
/// This is the end that sets the value, a counted handle. When the last one goes, or one is
/// close()d, receivers get the last value and then find the watch closed. Every set() is a change,
/// even to an equal value.
///
/// Values are as the items of channels, but receivers share them and see them as const. Threads:
/// any number may use one end at once. (A single handle must not be moved from or assigned to while
/// another thread uses it.)
/// Cancellation: waits throw `stopped` when their task was asked to stop, even if there is a new
/// value, which is still there afterwards. Errors: bad_alloc leaves everything as it was. Cost: one
/// lock per operation, and for a set() one wake-up per waiting receiver. Values that are small,
/// trivially copyable and assignable, and std::shared_ptr, need no allocation; others need one or
/// two per set().
template <class T>
class [[nodiscard]] watch : public detail::broadcast_sender<T> {
  static_assert(std::is_object_v<T> && !std::is_const_v<T> && !std::is_array_v<T>,
                "roost::watch: it holds a value; watch a pointer, a std::reference_wrapper or a "
                "std::array instead");
  static_assert(std::is_move_constructible_v<T> && std::is_nothrow_destructible_v<T> &&
                    (std::is_nothrow_move_constructible_v<T> || std::is_move_assignable_v<T>),
                "roost::watch: the values must be movable, and their destructor must not throw; "
                "watch a std::shared_ptr to them instead");

 public:
  /// The name is for reports.
  explicit watch(T value, std::string_view name = {})
      : watch::broadcast_sender(detail::make_counted<core_type>(1U, overflow::drop_oldest, name)) {
    set(std::move(value));
  }

  /// False if the watch is closed: then the last value stays.
  bool set(T value, site where = site::current()) const;

  /// A copy of the latest value. Where that is costly, watch a std::shared_ptr<const T>.
  T get(site where = site::current()) const { return T(this->called(where).latest().item()); }

  /// Another receiver. It begins with the value at this moment, which is a change to it.
  watch_receiver<T> subscribe(site where = site::current()) const;

 private:
  using core_type = detail::broadcast_core<T>;
};

/// The end that reads the latest value, and waits for one that it has not had. Copies share: each
/// change goes to one of them. It is an input range: a range-for gets the value as it is, and then
/// each change that it is in time for, until the watch is closed.
template <class T>
class [[nodiscard]] watch_receiver : public detail::broadcast_reader<T> {
 public:
  /// A copy of the latest value, even after the watch is closed. It does not count as received:
  /// wait() still brings it.
  T get(site where = site::current()) const {
    return T(this->called(where).core()->latest().item());
  }

  /// True if wait() would bring a value at once. Old news where other threads act.
  bool changed(site where = site::current()) const { return this->called(where).size() != 0; }

  /// Waits until there is a value that this receiver has not had, and brings the latest. The result
  /// is empty only if the watch is closed and this receiver has had its last value.
  shared_result<T> wait(site where = site::current()) const {
    return wait_until(detail::no_deadline, where);
  }

  /// With status timeout when the time passed first.
  shared_result<T> wait_for(detail::any_duration timeout, site where = site::current()) const {
    return wait_until(detail::deadline_after(timeout), where);
  }

  /// The same until a point in time.
  shared_result<T> wait_until(detail::any_time_point deadline, site where = site::current()) const {
    return this->next_until(deadline, operation, where);
  }

  /// Waits for the first value.
  auto begin(site where = site::current()) const {
    return typename watch_receiver::iterator(*this, operation, where);
  }

  /// Another receiver, as from watch::subscribe().
  watch_receiver subscribe(site where = site::current()) const {
    return watch_receiver(this->reader(where).core());
  }

 private:
  template <class>
  friend class watch;
  template <class, class, class>
  friend class detail::shared_receive_case;

  explicit watch_receiver(detail::counted_ptr<detail::broadcast_core<T>> core)
      : watch_receiver::broadcast_reader(std::move(core), overflow::drop_oldest) {}

  static constexpr const char* operation = "watch_receiver::wait";
};

/// A case of a select: there is a value that the receiver has not had, or the watch is closed:
/// calls handler(shared_result<T>).
template <class T, class F>
auto on_change(const watch_receiver<T>& from, F handler, site where = site::current());

// --- implementation ---------------------------------------------------------
// A watch is a broadcast that has room for one item, and whose receivers never hold up a sender.

template <class T>
bool watch<T>::set(T value, site where) const {
  return this->try_to_send(value, where) == channel_status::success;
}

template <class T>
watch_receiver<T> watch<T>::subscribe(site where) const {
  return watch_receiver<T>(this->shared_core(where));
}

template <class T, class F>
auto on_change(const watch_receiver<T>& from, F handler, site where) {
  static_assert(std::is_invocable_v<F&, shared_result<T>>,
                "roost::on_change: the handler must be callable with a shared_result<T>; it is "
                "empty when the watch is closed");
  return detail::shared_receive_case<watch_receiver<T>, T, F>(from, std::move(handler), where);
}

} // namespace roost::inline v0
