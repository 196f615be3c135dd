// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <vector>

namespace test {

/// Follows numbered items through a channel and tells, when all is over, whether each was treated
/// as promised: an accepted one was received exactly once, any other never, and after a send that
/// failed the item was still in the sender's variable.
///
/// Threads: any, for the items' own numbers. faults() only when the others have ended.
class ledger {
 public:
  explicit ledger(int items) : items_(static_cast<std::size_t>(items)) {}

  void accepted(int item) noexcept {
    ++accepted_;
    ++of(item).accepted;
  }
  void received(int item) noexcept {
    ++received_;
    ++of(item).received;
  }

  /// The send of `item` failed, and its variable holds `found`.
  void kept(int item, int found) noexcept {
    ++kept_;
    if (item != found)
      ++of(item).lost;
  }

  /// Destroyed by the channel, when the last receiver left.
  void discarded(int item) noexcept { ++of(item).discarded; }

  int accepted_items() const noexcept { return accepted_; }
  int received_items() const noexcept { return received_; }
  int failed_sends() const noexcept { return kept_; }

  /// Empty if there are none.
  std::string faults() const {
    std::string text;
    if (strays_ != 0)
      text += "items that nobody sent; ";
    for (std::size_t i = 0; i < items_.size(); ++i) {
      const entry& e = items_[i];
      if (e.accepted > 1 || e.received + e.discarded != e.accepted || e.lost != 0) {
        text += "item " + std::to_string(i) + ": accepted " + std::to_string(e.accepted) +
                ", received " + std::to_string(e.received) + ", discarded " +
                std::to_string(e.discarded) + ", gone from its variable " + std::to_string(e.lost) +
                "; ";
        if (text.size() > 400)
          return text + "...";
      }
    }
    return text;
  }

 private:
  struct entry {
    std::atomic<int> accepted{0};
    std::atomic<int> received{0};
    std::atomic<int> discarded{0};
    std::atomic<int> lost{0};
  };

  entry& of(int item) noexcept {
    const auto index = static_cast<std::size_t>(item);
    if (index < items_.size())
      return items_[index];
    ++strays_;
    return stray_;
  }

  std::vector<entry> items_;
  entry stray_;
  std::atomic<int> strays_{0};
  std::atomic<int> accepted_{0};
  std::atomic<int> received_{0};
  std::atomic<int> kept_{0};
};

} // namespace test
