// SPDX-License-Identifier: BSL-1.0
// epoll by hand: what a user writes so that a thread can be woken while it waits for a descriptor.
#include "bench/peer.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <vector>

namespace {

/// A set with one descriptor more, to which others write to wake the thread.
class epoll_set {
 public:
  epoll_set() { add(waker_.number(), ~std::uint64_t{0}); }

  void add(int fd, std::uint64_t place) const {
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.u64 = place;
    bench::check(epoll_ctl(set_.number(), EPOLL_CTL_ADD, fd, &wanted) == 0, "not added");
  }
  std::size_t wait() const {
    epoll_event found{};
    while (epoll_wait(set_.number(), &found, 1, -1) != 1) {
    }
    return found.data.u64;
  }

 private:
  bench::owned_descriptor set_{epoll_create1(EPOLL_CLOEXEC)};
  bench::owned_descriptor waker_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

struct peer {
  using crew = bench::plain_threads;

  class socket_reader {
   public:
    explicit socket_reader(int fd) : fd_(fd) {
      bench::check(fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "not changed");
      set_.add(fd, 0);
    }
    ssize_t read(char* data, std::size_t size) const {
      for (;;) {
        const ssize_t got = ::read(fd_, data, size);
        if (got >= 0 || errno != EAGAIN)
          return got;
        (void)set_.wait();
      }
    }

   private:
    int fd_;
    epoll_set set_;
  };

  class descriptor_set {
   public:
    explicit descriptor_set(const std::vector<int>& fds) {
      for (std::size_t i = 0; i < fds.size(); ++i)
        set_.add(fds[i], i);
    }
    std::size_t wait() const { return set_.wait(); }

   private:
    epoll_set set_;
  };
};

} // namespace

int main(int argc, char** argv) {
  return bench::run<peer>(argc, argv);
}
