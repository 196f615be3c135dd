// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/channel.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/channel/channel_core.hpp>

#include <optional>

namespace roost::inline v0 {

/// Can become a sender's end, but does not keep the channel open: for a task that sends only as
/// long as others do.
///
/// ```cpp
/// for (roost::ticker beat(1s);; beat.wait()) {
///   const auto tx = weak.lock();
///   if (!tx) return;                     // the last sender has gone
///   (void)tx->try_send(still_alive);
/// }
/// ```
///
/// So it is not for keeping a queue open for what is still to come, such as jobs that other jobs
/// will find: count those in a wait_group, and close() the queue when none is left (see
/// examples/10).
/// Threads: any. It keeps the channel's memory.
template <class T>
class weak_sender {
 public:
  /// For the channel of `from`.
  explicit weak_sender(const sender<T>& from, site where = site::current())
      : core_(from.shared_core(where)) {}

  /// One more sender's end; nothing if the last one has gone, which has closed the channel. If the
  /// channel was closed by hand, it is an end whose sends report closed.
  std::optional<sender<T>> lock() const noexcept {
    if (!core_ || !core_->try_add_sender())
      return std::nullopt;
    return sender<T>(core_);
  }

 private:
  detail::counted_ptr<typename sender<T>::core_type> core_; // null when moved from
};

} // namespace roost::inline v0
