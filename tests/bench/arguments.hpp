// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bench {

/// Thrown where a peer does not have what a round asks for.
struct not_offered {};

/// Fails the round: what it measured was not the work.
inline void check(bool right, const char* what) {
  if (!right)
    throw std::runtime_error(what);
}

/// The capacity of a channel that never is full.
inline constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();

/// The words of the command line, one after the other.
class arguments {
 public:
  explicit arguments(std::span<char*> words) : words_(words) {}

  std::string_view next() {
    check(!words_.empty(), "an argument is missing");
    const std::string_view first = words_.front();
    words_ = words_.subspan(1);
    return first;
  }

  template <class Number = std::size_t>
  Number number() {
    return static_cast<Number>(std::stoull(std::string(next())));
  }

  std::size_t capacity() {
    const std::string_view word = next();
    return word == "unbounded" ? unbounded : std::stoull(std::string(word));
  }

 private:
  std::span<char*> words_;
};

} // namespace bench
