// SPDX-License-Identifier: BSL-1.0
// A wait for a file descriptor with a time limit, to copy. Notice that it polls two descriptors:
// the wanted one, and one that a stop writes to. So a stop wakes it as any other wait.
#include <roost.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iostream>
#include <poll.h>
#include <stop_token>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

struct descriptor {
  descriptor() = default;
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() { (void)::close(number); }
  void write() const noexcept { (void)::eventfd_write(number, 1); }
  const int number = ::eventfd(0, EFD_CLOEXEC);
};

// False when the time passed first. Throws `stopped` when the task is asked to stop.
bool wait_readable(const descriptor& wanted, roost::clock::duration timeout) {
  const descriptor stop; // before the callback, so closed after it
  const std::stop_callback wake(roost::this_task::stop_token(), [&stop] { stop.write(); });
  const auto end = roost::clock::now() + timeout;
  int ready = stop.number;
  while (ready >= 0 || errno == EINTR) { // after a signal it polls again
    pollfd fds[] = {{wanted.number, POLLIN, 0}, {stop.number, POLLIN, 0}};
    const auto left = std::clamp<roost::clock::duration>(end - roost::clock::now(), 0ms, 1h);
    ready = ::poll(fds, 2, static_cast<int>(left / 1ms) + 1); // rounded up
    roost::this_task::checkpoint();
    if (ready > 0 || (ready == 0 && roost::clock::now() >= end))
      return ready > 0;
  }
  throw std::system_error(errno, std::generic_category(), "wait_readable");
}

} // namespace

int main() {
  const descriptor input; // or a socket, or a pipe
  std::cout << "within 10 ms: " << wait_readable(input, 10ms) << '\n';
  {
    roost::task_scope scope({.exit = roost::on_exit::stop});
    scope.spawn("reader", [&input] { (void)wait_readable(input, 1h); });
  } // the stop wakes it
  input.write();
  std::cout << "and now: " << wait_readable(input, 1h) << '\n';
}

// Output:
//   within 10 ms: 0
//   and now: 1
