// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/wait/wait_record.hpp>

#include <cstdint>

namespace roost::inline v0::detail {

/// The waiters of one side of a channel, and how many of them are on their way: claimed, and not
/// yet awake to say so.
///
/// To wake a thread takes as long as a hundred sends. So where the queue can take an item, or give
/// one, no more waiters are called at once than can get a processor soon; threads that are awake go
/// on meanwhile. Each waiter that arrives looks whether the next one must be called. Where the
/// queue cannot help the other side, the next waiter is called in any case.
///
/// The primitive's lock guards it.
class channel_waiters : public wait_list {
 public:
  /// True if one waits, and fewer than `at_once` are on their way.
  bool is_to_be_called(std::uint32_t at_once) const noexcept {
    return !empty() && on_their_way_ < at_once;
  }

  /// Claims the first waiter that can be claimed; null if none can.
  wait_node* call_first() noexcept {
    wait_node* const first = claim_first();
    if (first != nullptr)
      ++on_their_way_;
    return first;
  }

  void resumed() noexcept { --on_their_way_; }

 private:
  friend struct channel_probe;

  // Short, so that both lists of a channel and their lock fit into one cache line.
  std::uint32_t on_their_way_ = 0; // at capacity 0, where it does not matter, all that ever were
};

} // namespace roost::inline v0::detail
