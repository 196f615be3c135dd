// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace roost::inline v0::detail {

/// Notes that are taken while locks are held: room for them is made before, and those for which
/// there is none are counted. Not a std::vector: that one costs more to compile than the rest.
template <class Note>
class note_list {
 public:
  /// No lock is held. The notes are gone. No room where there is no memory.
  void make_room(std::size_t count) noexcept {
    notes_.reset(new (std::nothrow) Note[count]);
    room_ = notes_ != nullptr ? count : 0;
    size_ = missing_ = 0;
  }

  /// A new note; null if there is no room.
  Note* add() noexcept {
    if (size_ == room_) {
      ++missing_;
      return nullptr;
    }
    return &notes_[size_++];
  }

  std::size_t size() const noexcept { return size_; }
  std::size_t missing() const noexcept { return missing_; }
  const Note& operator[](std::size_t place) const noexcept { return notes_[place]; }
  const Note* begin() const noexcept { return notes_.get(); }
  const Note* end() const noexcept { return notes_.get() + size_; }

 private:
  std::unique_ptr<Note[]> notes_;
  std::size_t room_ = 0;
  std::size_t size_ = 0;
  std::size_t missing_ = 0;
};

} // namespace roost::inline v0::detail
