// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <iterator>
#include <type_traits>
#include <utility>

// The standard's range concepts, as far as they are needed, without <ranges>, which takes as long
// to include as half of roost.

namespace roost::inline v0::detail {

template <class R>
using iterator_of = decltype(std::ranges::begin(std::declval<R&>()));
template <class R>
using sentinel_of = decltype(std::ranges::end(std::declval<R&>()));
template <class R>
using reference_of = std::iter_reference_t<iterator_of<R>>;

/// Anything that a range-for goes through, std::views and receivers included.
template <class R>
concept input_range = requires(R& r) {
  std::ranges::begin(r);
  std::ranges::end(r);
}
&&std::input_iterator<iterator_of<R>>;

/// Its elements may be reached by several iterators at a time.
template <class R>
concept forward_range = input_range<R> && std::forward_iterator<iterator_of<R>>;

/// Its elements may be reached by their index, and it is known how many there are.
template <class R>
concept indexed_range = forward_range<R> && std::random_access_iterator<iterator_of<R>> &&
    std::sized_sentinel_for<sentinel_of<R>, iterator_of<R>>;

/// The element lies in the iterator, and may be moved out of it: a receiver's. A copy could fail,
/// and the element would be lost.
template <class I>
inline constexpr bool holds_its_element = requires {
  requires I::holds_its_element;
};

/// The element is there as long as the iterator or a copy of it is: that of a broadcast or a watch.
/// Such a copy cannot fail.
template <class I>
inline constexpr bool copies_keep_its_element = requires {
  requires I::copies_keep_its_element;
};

/// An iterator's element may be referred to after the iterator has gone on.
template <class R>
inline constexpr bool keeps_elements =
    forward_range<R>&& std::is_lvalue_reference_v<reference_of<R>>;

} // namespace roost::inline v0::detail
