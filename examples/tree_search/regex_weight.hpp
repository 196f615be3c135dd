// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "regex_guard.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

// Between two looks at the line std::regex can still recurse once for every state of the pattern,
// and its compilation recurses, too. So the pattern's size has a limit as well: all that std::regex
// may need fits into the half of the stack that regex_guard leaves alone.
namespace tree_search {

/// An upper bound for the states of a regex: its characters, with what {n} repeats counted n times.
class regex_weight {
 public:
  explicit regex_weight(std::string_view regex) : regex_(regex) {
    for (at_ = 0; at_ < regex_.size(); ++at_)
      read_term();
  }

  std::uint64_t value() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t group : groups_)
      sum += group;
    return sum;
  }

 private:
  void read_term() {
    switch (regex_[at_]) {
    case '\\':
      ++at_;
      add(2);
      break;
    case '[':
      read_class();
      break;
    case '(':
      groups_.push_back(2);
      break;
    case ')':
      close_group();
      break;
    case '{':
      repeat(read_count());
      break;
    default:
      add(1);
    }
  }

  void read_class() {
    std::uint64_t size = 2;
    for (++at_; at_ < regex_.size() && regex_[at_] != ']'; ++at_, ++size)
      if (regex_[at_] == '\\')
        ++at_;
    add(size);
  }

  void close_group() {
    if (groups_.size() == 1)
      return; // a stray bracket: std::regex will say so
    const std::uint64_t group = groups_.back();
    groups_.pop_back();
    add(group);
  }

  // the larger number of {n} or {n,m}
  std::uint64_t read_count() {
    std::uint64_t largest = 0;
    std::uint64_t number = 0;
    for (; at_ < regex_.size() && regex_[at_] != '}'; ++at_) {
      const char c = regex_[at_];
      number =
          c >= '0' && c <= '9' ? std::min(most, number * 10 + static_cast<unsigned>(c - '0')) : 0;
      largest = std::max(largest, number);
    }
    return largest;
  }

  void add(std::uint64_t weight) {
    last_term_ = weight;
    groups_.back() = std::min(most, groups_.back() + weight);
  }
  void repeat(std::uint64_t count) {
    groups_.back() = std::min(most, groups_.back() + count * last_term_);
  }

  static constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();

  std::string_view regex_;
  std::size_t at_ = 0;
  std::vector<std::uint64_t> groups_{0}; // weights of the groups that are open, the innermost last
  std::uint64_t last_term_ = 0;          // what a {n} repeats
};

/// A state takes less than 400 bytes of stack, even under AddressSanitizer; this allows for 1024.
inline std::uint64_t heaviest_regex() {
  return thread_stack_size() / 2 / 1024;
}

} // namespace tree_search
