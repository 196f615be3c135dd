// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/channel.hpp>

#include "support/tracked.hpp"

#include <cstddef>
#include <numeric>
#include <vector>

// Many numbered items at a time.

namespace test {

inline std::vector<int> numbers(int first, int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), first);
  return all;
}

template <class T>
std::vector<int> values(const std::vector<T>& all) {
  std::vector<int> found;
  for (const T& item : all)
    found.push_back(value_of(item));
  return found;
}

/// What is in the channel; takes it out.
template <class T>
std::vector<int> received_at_once(const roost::receiver<T>& rx) {
  std::vector<int> found;
  while (const auto got = rx.try_receive())
    found.push_back(value_of(*got));
  return found;
}

} // namespace test
