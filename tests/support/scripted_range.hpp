// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <functional>
#include <iterator>

namespace test {

/// What is done with the iterators of a range.
enum class step { begin, compare, increment, dereference };

/// The numbers from 0 on, `size` of them, or no end if that is negative. They can be gone through
/// several times but have no indices. Each step calls a function with the place it is done at,
/// which may throw or wait.
struct scripted_range {
  int size = 0;
  std::function<void(step, int place)> on_step = {};

  class iterator {
   public:
    using iterator_concept = std::forward_iterator_tag;
    using value_type = int;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    iterator(const scripted_range& range, int place) : range_(&range), place_(place) {}

    int operator*() const {
      range_->tell(step::dereference, place_);
      return place_;
    }
    iterator& operator++() {
      range_->tell(step::increment, place_);
      ++place_;
      return *this;
    }
    iterator operator++(int) {
      iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const iterator& other) const {
      range_->tell(step::compare, place_);
      return place_ == other.place_;
    }

   private:
    const scripted_range* range_ = nullptr;
    int place_ = 0;
  };

  iterator begin() const {
    tell(step::begin, 0);
    return iterator(*this, 0);
  }
  iterator end() const { return iterator(*this, size); }

 private:
  void tell(step what, int place) const {
    if (on_step)
      on_step(what, place);
  }
};

} // namespace test
