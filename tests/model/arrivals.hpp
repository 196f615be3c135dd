// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "model/model.hpp"

#include <array>
#include <cstddef>
#include <utility>

namespace model {

/// Which items came out of a channel, each of which may come once.
class arrivals {
 public:
  void note(int item) noexcept {
    check(item >= 0 && item < 4, "an item comes that was not sent");
    check(!std::exchange(came_[static_cast<std::size_t>(item)], true), "an item comes twice");
  }
  void merge(const arrivals& other) noexcept {
    for (std::size_t i = 0; i < came_.size(); ++i) {
      if (other.came_[i])
        note(static_cast<int>(i));
    }
  }
  bool came(int item) const noexcept { return came_[static_cast<std::size_t>(item)]; }
  int count() const noexcept { return came_[0] + came_[1] + came_[2] + came_[3]; }

 private:
  std::array<bool, 4> came_{};
};

} // namespace model
