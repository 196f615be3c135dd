// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <iterator>

namespace roost::inline v0::detail {

/// Refers to items that lie side by side. Not std::span: the checks of its constructors would make
/// up a tenth of the cost of including roost.
template <class T>
class view {
 public:
  view() = default;
  view(T* first, std::size_t size) noexcept : first_(first), size_(size) {}
  template <class List>
  view(List& list) noexcept // NOLINT(google-explicit-constructor): it is the same items
      : view(std::data(list), std::size(list)) {}

  T* begin() const noexcept { return first_; }
  T* end() const noexcept { return first_ + size_; }
  T* data() const noexcept { return first_; }
  std::size_t size() const noexcept { return size_; }
  T& operator[](std::size_t i) const noexcept { return first_[i]; }

 private:
  T* first_ = nullptr;
  std::size_t size_ = 0;
};

} // namespace roost::inline v0::detail
