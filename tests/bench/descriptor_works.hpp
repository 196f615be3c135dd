// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/arguments.hpp"
#include "bench/side_by_side.hpp"
#include "bench/stopwatch.hpp"

#include <array>
#include <cstddef>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace bench {

/// A descriptor that is closed with its owner.
class owned_descriptor {
 public:
  explicit owned_descriptor(int number) : number_(number) { check(number >= 0, "no descriptor"); }
  owned_descriptor(owned_descriptor&& other) noexcept : number_(other.number_) {
    other.number_ = -1;
  }
  owned_descriptor& operator=(owned_descriptor&&) = delete;
  ~owned_descriptor() {
    if (number_ >= 0)
      (void)close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

/// A peer that waits for descriptors gives
///
///     class socket_reader;     // socket_reader r(fd); r.read(data, size): what one read returns
///     class descriptor_set;    // descriptor_set s(fds); s.wait(): the place of one that is ready
///
/// The first waits for each read, in whatever way its users would.
template <class Peer>
concept reads_sockets = requires {
  typename Peer::socket_reader;
};
template <class Peer>
concept has_descriptor_sets = requires {
  typename Peer::descriptor_set;
};

inline constexpr std::size_t message_size = 64;
using message = std::array<char, message_size>;

/// One thread sends a message, another one sends it back.
template <class Peer>
void socket_echo(std::size_t round_trips) {
  int ends[2] = {};
  check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "no socketpair");
  const owned_descriptor here(ends[0]);
  const owned_descriptor there(ends[1]);
  const auto spent = side_by_side<typename Peer::crew>(2, [&](std::size_t side) {
    const int own = side == 0 ? here.number() : there.number();
    typename Peer::socket_reader reader(own);
    message m{};
    for (std::size_t i = 0; i < round_trips; ++i) {
      if (side == 0)
        check(write(own, m.data(), m.size()) == message_size, "not written");
      check(reader.read(m.data(), m.size()) == message_size, "not read");
      if (side == 1)
        check(write(own, m.data(), m.size()) == message_size, "not written");
    }
  });
  print(spent, static_cast<double>(round_trips));
}

/// What has come is read at once.
template <class Peer>
void socket_ready(std::size_t reads) {
  int ends[2] = {};
  check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "no socketpair");
  const owned_descriptor here(ends[0]);
  const owned_descriptor there(ends[1]);
  typename Peer::socket_reader reader(here.number());
  message m{};
  const stopwatch watch;
  for (std::size_t i = 0; i < reads; ++i) {
    check(write(there.number(), m.data(), m.size()) == message_size, "not written");
    check(reader.read(m.data(), m.size()) == message_size, "not read");
  }
  print(watch.read(), static_cast<double>(reads));
}

/// Of many descriptors one is ready each time.
template <class Peer>
void one_of_descriptors(std::size_t count, std::size_t waits) {
  std::vector<owned_descriptor> all;
  std::vector<int> numbers;
  for (std::size_t i = 0; i < count; ++i) {
    all.emplace_back(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    numbers.push_back(all.back().number());
  }
  typename Peer::descriptor_set set(numbers);
  const stopwatch watch;
  for (std::size_t i = 0; i < waits; ++i) {
    const std::size_t chosen = i * 7919 % count;
    check(eventfd_write(numbers[chosen], 1) == 0, "not written");
    check(set.wait() == chosen, "another one");
    eventfd_t value = 0;
    check(eventfd_read(numbers[chosen], &value) == 0, "not read");
  }
  print(watch.read(), static_cast<double>(waits));
}

/// False if it is none of these works, or the peer does not have it.
template <class Peer>
bool run_descriptor_work(std::string_view work, arguments& args) {
  if constexpr (reads_sockets<Peer>) {
    if (work == "socket_echo")
      return socket_echo<Peer>(args.number()), true;
    if (work == "socket_ready")
      return socket_ready<Peer>(args.number()), true;
  }
  if constexpr (has_descriptor_sets<Peer>) {
    if (work == "one_of_descriptors") {
      const std::size_t count = args.number();
      return one_of_descriptors<Peer>(count, args.number()), true;
    }
  }
  return false;
}

} // namespace bench
