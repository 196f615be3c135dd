// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/plain_list.hpp>

#include <cstddef>
#include <cstdint>

namespace roost::inline v0::detail {

/// Finds places by numbers: a hash table that only grows. Not std::unordered_map, whose header
/// costs more than all of this.
class number_index {
 public:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  std::size_t size() const noexcept { return size_; }

  /// The place of `number`; `place` from now on if it has none.
  std::size_t add(std::uint64_t number, std::size_t place);

  /// The place of `number`; `none` if it has none.
  std::size_t find(std::uint64_t number) const noexcept {
    return slots_.empty() ? none : slots_[slot_of(number)].place;
  }

 private:
  struct slot {
    std::uint64_t number = 0;
    std::size_t place = none;
  };

  std::size_t slot_of(std::uint64_t number) const noexcept;
  void grow();

  plain_list<slot> slots_; // a power of two, at most half of them taken
  std::size_t size_ = 0;
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

// Multiplication spreads the small differences between consecutive numbers, and between addresses;
// the upper bits get most of it.
ROOST_COLD_BODY std::size_t number_index::slot_of(std::uint64_t number) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = static_cast<std::uint32_t>((number * 0x9e3779b97f4a7c15U) >> 32U) & mask;
  while (slots_[at].place != none && slots_[at].number != number)
    at = (at + 1) & mask;
  return at;
}

ROOST_COLD_BODY std::size_t number_index::add(std::uint64_t number, std::size_t place) {
  if (2 * (size_ + 1) > slots_.size())
    grow();
  slot& s = slots_[slot_of(number)];
  if (s.place == none) {
    s = {number, place};
    ++size_;
  }
  return s.place;
}

ROOST_COLD_BODY void number_index::grow() {
  plain_list<slot> old(slots_.empty() ? 16 : 2 * slots_.size());
  old.swap(slots_);
  for (const slot& s : old) {
    if (s.place != none)
      slots_[slot_of(s.number)] = s;
  }
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
