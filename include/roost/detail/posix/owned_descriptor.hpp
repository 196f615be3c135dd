// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cerrno>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace roost::inline v0::detail {

/// Throws the error of the system call that has just failed.
[[noreturn]] inline void throw_system_error(const char* message) {
  throw std::system_error(errno, std::generic_category(), message);
}

/// A descriptor of roost's own, closed with its owner.
class owned_descriptor {
 public:
  owned_descriptor() = default;
  /// Throws if `number` is negative, as what a failed call returns; `message` says which call.
  owned_descriptor(int number, const char* message) : number_(number) {
    if (number < 0)
      throw_system_error(message);
  }
  owned_descriptor(owned_descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  owned_descriptor& operator=(owned_descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  owned_descriptor(const owned_descriptor&) = delete;
  owned_descriptor& operator=(const owned_descriptor&) = delete;
  ~owned_descriptor() {
    if (number_ >= 0) {
      const int users_error = errno;
      (void)::close(number_);
      errno = users_error;
    }
  }

  int number() const noexcept { return number_; }

 private:
  int number_ = -1;
};

} // namespace roost::inline v0::detail
