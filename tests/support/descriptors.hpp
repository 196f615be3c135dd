// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <string>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace test {

inline int checked(int result, const char* call) {
  if (result < 0)
    throw std::system_error(errno, std::generic_category(), call);
  return result;
}

/// Closes what it holds.
class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int number) : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor() { close(); }

  operator int() const noexcept { return number_; } // NOLINT(google-explicit-constructor)
  void close() noexcept {
    if (number_ >= 0)
      (void)::close(std::exchange(number_, -1));
  }

 private:
  int number_ = -1;
};

/// Two ends: what is written to `far` makes `near` readable.
struct two_ends {
  descriptor near;
  descriptor far;

  void write(char byte = 'x') const {
    // An eventfd takes eight bytes, with a number.
    const char bytes[8] = {byte};
    checked(static_cast<int>(::write(far, bytes, size)), "write");
  }
  char read() const {
    char bytes[8] = {};
    checked(static_cast<int>(::read(near, bytes, size)), "read");
    return bytes[0];
  }
  std::size_t size = 1;
};

inline two_ends a_pipe() {
  int ends[2] = {};
  checked(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), "pipe2");
  return {descriptor(ends[0]), descriptor(ends[1])};
}

inline two_ends a_socketpair() {
  int ends[2] = {};
  checked(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), "socketpair");
  return {descriptor(ends[0]), descriptor(ends[1])};
}

inline two_ends an_eventfd() {
  const int number = checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  return {descriptor(number), descriptor(::dup(number)), 8};
}

/// A terminal: what is written to its master is typed in at it.
inline two_ends a_terminal() {
  const int master = checked(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), "posix_openpt");
  two_ends ends{descriptor(), descriptor(master)};
  checked(::grantpt(master), "grantpt");
  checked(::unlockpt(master), "unlockpt");
  const char* const name = ::ptsname(master); // NOLINT(concurrency-mt-unsafe): one thread asks
  ends.near = descriptor(checked(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC), "open a pty"));
  return ends;
}

/// Writes until no more fits.
inline void fill(int fd) {
  const std::string many(4096, 'x');
  while (::write(fd, many.data(), many.size()) > 0) {
  }
}
inline void drain(int fd) {
  char bytes[4096];
  while (::read(fd, bytes, sizeof bytes) > 0) {
  }
}

/// The number of a system_error; 0 for none.
inline int error_of(const std::exception_ptr& error) {
  try {
    if (error != nullptr)
      std::rethrow_exception(error);
  } catch (const std::system_error& e) {
    return e.code().value();
  }
  return 0;
}

} // namespace test
