// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace roost::inline v0 {

/// What a send to a full channel does.
enum class overflow {
  block,       ///< it waits for room
  drop_oldest, ///< it succeeds; the oldest item in the channel makes room and is destroyed
  drop_newest, ///< it does not succeed, with status full; the item stays with its owner
};

} // namespace roost::inline v0
