// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/arguments.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

namespace bench {

struct bytes64 {
  std::int64_t number = 0;
  std::array<std::int64_t, 7> rest{};
};
static_assert(sizeof(bytes64) == 64);

/// Items carry a number, by which it is seen that none is lost.
template <class T>
T make_item(std::int64_t number) {
  if constexpr (std::is_same_v<T, std::int64_t>) {
    return number;
  } else if constexpr (std::is_same_v<T, bytes64>) {
    return {.number = number};
  } else {
    return std::make_unique<std::int64_t>(number);
  }
}

inline std::int64_t number_of(std::int64_t item) {
  return item;
}
inline std::int64_t number_of(const bytes64& item) {
  return item.number;
}
inline std::int64_t number_of(const std::unique_ptr<std::int64_t>& item) {
  return *item;
}

/// What ends a queue that cannot be closed: an item like no other.
inline constexpr std::int64_t end_mark = -1;

template <class T>
T make_end_mark() {
  if constexpr (std::is_same_v<T, std::unique_ptr<std::int64_t>>) {
    return nullptr;
  } else {
    return make_item<T>(end_mark);
  }
}

template <class T>
bool is_end_mark(const T& item) {
  if constexpr (std::is_same_v<T, std::unique_ptr<std::int64_t>>) {
    return item == nullptr;
  } else {
    return number_of(item) == end_mark;
  }
}

/// Calls `f(std::type_identity<T>())` with the type that the next argument names.
template <class F>
void with_item_type(arguments& args, const F& f) {
  const std::string_view name = args.next();
  if (name == "int64") {
    f(std::type_identity<std::int64_t>());
  } else if (name == "bytes64") {
    f(std::type_identity<bytes64>());
  } else if (name == "unique_ptr") {
    f(std::type_identity<std::unique_ptr<std::int64_t>>());
  } else {
    throw not_offered();
  }
}

/// Items 0 to `total` - 1, shared out evenly: the numbers of one of those who share.
struct share {
  share(std::int64_t total, std::size_t parts, std::size_t part)
      : first(bound(total, parts, part)),
        last(bound(total, parts, part + 1)) {}

  std::int64_t first;
  std::int64_t last; // one beyond

 private:
  static std::int64_t bound(std::int64_t total, std::size_t parts, std::size_t part) {
    return total * static_cast<std::int64_t>(part) / static_cast<std::int64_t>(parts);
  }
};

/// What one receiver has got; on a cache line of its own.
struct alignas(64) tally {
  void add(std::int64_t number) {
    ++count;
    sum += number;
  }

  std::int64_t count = 0;
  std::int64_t sum = 0;
};

/// Fails unless all together have got items 0 to `total` - 1.
template <class Tallies>
void check_all_received(const Tallies& tallies, std::int64_t total) {
  tally all;
  for (const tally& t : tallies) {
    all.count += t.count;
    all.sum += t.sum;
  }
  check(all.count == total, "items were lost, or received twice");
  check(all.sum == total * (total - 1) / 2, "wrong items were received");
}

} // namespace bench
