// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace roost::inline v0::detail {

/// Notes that are taken while locks are held: room for them is made before, and those for which
/// there is none are counted.
template <class Note>
class note_list {
 public:
  /// No lock is held. The notes are gone. Less room where there is no memory.
  void make_room(std::size_t count) noexcept {
    notes_.clear();
    missing_ = 0;
    try {
      notes_.reserve(count);
    } catch (const std::bad_alloc&) { // then they are counted
    }
  }

  /// A new note; null if there is no room.
  Note* add() noexcept {
    if (notes_.size() == notes_.capacity()) {
      ++missing_;
      return nullptr;
    }
    return &notes_.emplace_back();
  }

  std::size_t size() const noexcept { return notes_.size(); }
  std::size_t missing() const noexcept { return missing_; }
  const Note& operator[](std::size_t place) const noexcept { return notes_[place]; }
  const Note* begin() const noexcept { return notes_.data(); }
  const Note* end() const noexcept { return notes_.data() + notes_.size(); }

 private:
  std::vector<Note> notes_;
  std::size_t missing_ = 0;
};

} // namespace roost::inline v0::detail
