// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <pthread.h>
#include <regex>
#include <string_view>

// std::regex has two habits that are a danger to a program which must always answer. libstdc++
// recurses once or more for every character that a repetition takes, so a long line overflows the
// stack; and a pattern such as (a*)*b takes exponential time. Neither can be switched off, but
// std::regex reads the line through an iterator, and that iterator can look after both:
//
// - before a character is passed it compares the stack pointer with a floor, and throws below it;
// - now and then it lets roost look whether the task was asked to stop, and the stop throws.
//
// Rejected: a limit for the length of a line. How deep the recursion goes depends on the pattern
// (300 to 1500 bytes a character were seen), so one limit is too low for most patterns and too high
// for some.
namespace tree_search {

/// Thrown out of a search whose recursion has used up its part of the stack.
struct line_too_long {};

/// The stack of the threads that the library starts; std::jthread takes the system's default.
inline std::size_t thread_stack_size() {
  constexpr std::size_t smallest_default = std::size_t{128} * 1024;
  pthread_attr_t defaults{};
  if (pthread_attr_init(&defaults) != 0)
    return smallest_default;
  std::size_t size = 0;
  const int error = pthread_attr_getstacksize(&defaults, &size);
  pthread_attr_destroy(&defaults);
  return error == 0 && size > 0 ? size : smallest_default;
}

/// Watches the searches of one thread: at most half of its stack, and no longer than its task may
/// run.
class regex_guard {
 public:
  regex_guard() : floor_(stack_pointer() - thread_stack_size() / 2) {}

  void check_stack() const {
    if (stack_pointer() < floor_)
      throw line_too_long{};
  }

  void check_stop() {
    constexpr unsigned between_checks = 4096;
    if (++steps_ % between_checks == 0)
      roost::this_task::checkpoint();
  }

 private:
  // not the address of a local: AddressSanitizer may keep locals elsewhere
  static std::uintptr_t stack_pointer() {
    return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  }

  std::uintptr_t floor_;
  unsigned steps_ = 0;
};

/// Goes over a line for std::regex, and asks the guard on the way.
class guarded_iterator {
 public:
  using iterator_category = std::bidirectional_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  guarded_iterator() = default;
  guarded_iterator(const char* at, regex_guard& guard) : at_(at), guard_(&guard) {}

  reference operator*() const { return *at_; }
  guarded_iterator& operator++() {
    guard_->check_stack();
    ++at_;
    return *this;
  }
  guarded_iterator operator++(int) {
    guarded_iterator before = *this;
    ++*this;
    return before;
  }
  guarded_iterator& operator--() {
    --at_;
    return *this;
  }
  guarded_iterator operator--(int) {
    guarded_iterator before = *this;
    --*this;
    return before;
  }
  // Each path through the pattern asks in the end whether the line is over, even if it takes no
  // character of the line.
  friend bool operator==(const guarded_iterator& a, const guarded_iterator& b) {
    if (a.guard_ != nullptr)
      a.guard_->check_stop();
    return a.at_ == b.at_;
  }

 private:
  const char* at_ = nullptr;
  regex_guard* guard_ = nullptr;
};

/// Throws line_too_long, std::regex_error and roost::stopped.
inline bool regex_matches(const std::regex& regex, std::string_view line, regex_guard& guard) {
#ifndef __GLIBCXX__
  // libc++ copies the line and so asks no iterator. It does not recurse, and it gives up where a
  // search takes exponential time; but it may take the square of the length, and no stop ends that.
  if (line.size() > 2000)
    throw line_too_long{};
#endif
  return std::regex_search(guarded_iterator(line.data(), guard),
                           guarded_iterator(line.data() + line.size(), guard),
                           regex);
}

} // namespace tree_search
