// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/counted.hpp>
#include <roost/detail/base/throw_misuse.hpp>
#include <roost/detail/channel/channel_core.hpp>
#include <roost/detail/stop/unwinding.hpp>
#include <roost/site.hpp>

#include <cstddef>
#include <exception>
#include <utility>

namespace roost::inline v0::detail {

/// Base of both kinds of ends: counted handles on a channel.
template <class Item, channel_side Side>
class channel_end {
 public:
  /// One more end.
  channel_end(const channel_end& other) noexcept : core_(other.core_) {
    if (core_)
      core_->add_end(Side);
  }
  /// Takes the end over; of `other` nothing is left but to destroy it or to assign to it.
  channel_end(channel_end&& other) noexcept = default;
  /// One more end; the one that was here goes.
  // NOLINTNEXTLINE(bugprone-unhandled-self-assignment): a copy is swapped in
  channel_end& operator=(const channel_end& other) noexcept {
    channel_end(other).core_.swap(core_);
    return *this;
  }
  /// Takes the end over; the one that was here goes.
  channel_end& operator=(channel_end&& other) noexcept {
    channel_end(std::move(other)).core_.swap(core_);
    return *this;
  }
  /// Closes the channel if this was the last sender, or the last receiver.
  ~channel_end() {
    if (core_) {
      detail::note_unwinding(core_.get());
      core_->drop_end(Side);
    }
  }

  /// Sends fail from now on; what was accepted can still be received. True for the call that
  /// closed the channel.
  bool close(site where = site::current()) const { return close_with(nullptr, where); }

  /// True once nothing can be sent any more.
  bool closed(site where = site::current()) const { return called(where).closed(); }
  /// How many items it holds at most.
  std::size_t capacity(site where = site::current()) const { return core(where).capacity(); }
  /// How many items are in it: old news where other threads act.
  std::size_t size(site where = site::current()) const { return called(where).size(); }

  /// How many items overflow::drop_oldest has destroyed, or drop_newest refused, so far.
  std::size_t dropped(site where = site::current()) const { return core(where).dropped(); }

  /// True for ends of the same channel.
  friend bool operator==(const channel_end& a, const channel_end& b) noexcept {
    return a.core_.get() == b.core_.get();
  }

 protected:
  using core_type = channel_core<Item>;

  /// Takes over one of the ends that the core counts.
  explicit channel_end(counted_ptr<core_type> core) noexcept : core_(std::move(core)) {}

  core_type& core(const site& where) const { return *shared_core(where); }
  core_type& called(const site& where) const {
    sync::at_call(core_.get());
    return core(where);
  }

  /// `cause` is what receivers find in the end, or null.
  bool close_with(std::exception_ptr cause, const site& where) const {
    core_type& channel = core(where);
    detail::note_unwinding(&channel);
    return channel.close(std::move(cause));
  }

  const counted_ptr<core_type>& shared_core(const site& where) const {
    if (core_)
      return core_;
    throw_moved_from("this end of a channel", where);
  }

 private:
  friend struct channel_probe;

  counted_ptr<core_type> core_; // null when moved from
};

} // namespace roost::inline v0::detail
