// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/hardware_threads.hpp>
#include <roost/detail/wait_record.hpp>

#include <cstddef>

namespace roost::inline v0::detail {

/// Those who wait at one side of a channel, and how many of them are on their way: claimed, and
/// not yet awake to say so.
///
/// To wake a thread takes as long as a hundred sends. So where there is a ring, no more of them
/// are called at once than can get a processor soon; those who are awake go on meanwhile. Each who
/// arrives looks whether the next one must be called. Where the ring is of no use to the other
/// side, or there is none, the next one is called whoever is on the way.
///
/// The primitive's lock guards it.
class channel_line : public wait_list {
 public:
  explicit channel_line(bool has_ring) noexcept
      : called_at_once_(has_ring ? worth_waking() : all) {}

  /// Whether somebody waits and few enough are on their way.
  bool is_to_be_called() const noexcept { return !empty() && on_their_way_ < called_at_once_; }

  /// Claims the first who can be claimed, null if nobody can.
  wait_node* call_first() noexcept {
    wait_node* const first = claim_first();
    if (first != nullptr)
      ++on_their_way_;
    return first;
  }

  void arrived() noexcept { --on_their_way_; }

 private:
  static constexpr auto all = static_cast<std::size_t>(-1);

  std::size_t on_their_way_ = 0; // where there is no ring, all who ever were
  const std::size_t called_at_once_;
};

} // namespace roost::inline v0::detail
