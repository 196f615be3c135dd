// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/plain_list.hpp>
#include <roost/detail/report/number_index.hpp>

#include <cstddef>

namespace roost::inline v0::detail {

/// Lists of places, each of which is in one list at most.
class place_lists {
 public:
  static constexpr std::size_t none = number_index::none;

  place_lists(std::size_t lists, std::size_t places)
      : first_(lists, none),
        last_(lists, none),
        next_(places, none) {}

  void add(std::size_t list, std::size_t place) noexcept {
    (first_[list] == none ? first_[list] : next_[last_[list]]) = place;
    last_[list] = place;
  }
  std::size_t first(std::size_t list) const noexcept { return first_[list]; } // or none
  std::size_t next(std::size_t place) const noexcept { return next_[place]; }
  std::size_t size(std::size_t list) const noexcept {
    std::size_t count = 0;
    for (std::size_t at = first(list); at != none; at = next(at))
      ++count;
    return count;
  }

 private:
  plain_list<std::size_t> first_;
  plain_list<std::size_t> last_;
  plain_list<std::size_t> next_;
};

} // namespace roost::inline v0::detail
