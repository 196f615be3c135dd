// SPDX-License-Identifier: BSL-1.0
// A task blocks in read(2), where roost cannot reach it. Notice the callback: the stop runs it, and
// the byte that it writes makes the read return.
#include <roost.hpp>

#include <cstdio>
#include <iostream>
#include <stdexcept>
#include <stop_token>
#include <unistd.h>

namespace {

class pipe_ends {
 public:
  pipe_ends() {
    if (::pipe(ends_) != 0)
      throw std::runtime_error("no pipe");
  }
  ~pipe_ends() { (void)(::close(ends_[0]) + ::close(ends_[1])); }
  pipe_ends(const pipe_ends&) = delete;
  pipe_ends& operator=(const pipe_ends&) = delete;

  char read() {
    // Wakes the read below. With a socket, the callback would shut the socket down.
    const std::stop_callback wake(roost::this_task::stop_token(), [this] { write('\0'); });
    char byte = 0;
    if (::read(ends_[0], &byte, 1) != 1)
      throw std::runtime_error("read failed");
    roost::this_task::checkpoint(); // throws if the stop woke the read
    return byte;
  }
  void write(char byte) {
    if (::write(ends_[1], &byte, 1) != 1)
      std::perror("write");
  }

 private:
  int ends_[2] = {};
};

} // namespace

int main() {
  pipe_ends input; // before the scope: the task refers to it
  auto letters = roost::make_channel<char>();
  roost::task_scope scope({.name = "input"});
  scope.spawn("reader", [&] {
    for (;;)
      (void)letters.tx.send(input.read());
  });
  input.write('a');
  std::cout << letters.rx.receive().value() << '\n';
  scope.request_stop("seen enough");
  scope.join();
  std::cout << "reader stopped: " << scope.cause().message << '\n';
}

// Output:
//   a
//   reader stopped: seen enough
