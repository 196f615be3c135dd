// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <new>

namespace roost::inline v0::detail {

/// Notes that are taken while locks are held. Room for them is made before; notes that find no room
/// are counted. A plain array: a std::vector of each kind of note would cost more to compile than
/// all the code that uses it.
template <class Note>
class note_list {
 public:
  note_list() = default;
  ~note_list() { delete[] notes_; }
  note_list(const note_list&) = delete;
  note_list& operator=(const note_list&) = delete;

  /// Drops all notes. Called with no lock held. Makes no room if there is no memory.
  void make_room(std::size_t count) noexcept {
    delete[] notes_;
    notes_ = new (std::nothrow) Note[count];
    room_ = notes_ != nullptr ? count : 0;
    size_ = missing_ = 0;
  }

  /// The same for as many as there would have been, and some more.
  [[gnu::cold]] void make_room_for_all(std::size_t at_least) noexcept {
    const std::size_t seen = size_ + missing_;
    make_room(seen < at_least ? at_least : seen + seen / 4);
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
  const Note* begin() const noexcept { return notes_; }
  const Note* end() const noexcept { return notes_ + size_; }

 private:
  Note* notes_ = nullptr;
  std::size_t room_ = 0;
  std::size_t size_ = 0;
  std::size_t missing_ = 0;
};

} // namespace roost::inline v0::detail
