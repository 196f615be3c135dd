// SPDX-License-Identifier: BSL-1.0
// Waits and wakes while the program's statics are destroyed, when the main thread's locals are
// gone.
#include <roost.hpp>
#include <roost/posix.hpp>

#include "support/descriptors.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

using namespace std::chrono_literals;

namespace {

class last_words {
 public:
  last_words() = default;
  last_words(const last_words&) = delete;
  last_words& operator=(const last_words&) = delete;
  ~last_words() { // NOLINT(bugprone-exception-escape): then the test has failed
    const bool timed_out = channel_.rx.receive_for(1ms).status() == roost::channel_status::timeout;
    int got = 0;
    {
      const std::jthread sender([this] { (void)channel_.tx.send(7); });
      got = channel_.rx.receive().value();
    }
    {
      const std::jthread receiver([this] { (void)channel_.rx.receive(); });
      if (!channel_.tx.send(8))
        std::_Exit(EXIT_FAILURE);
    }
    roost::event woken;
    {
      roost::task_scope scope;
      scope.spawn([&] { woken.set(); });
      woken.wait();
    }
    const test::two_ends ends = test::a_pipe();
    const bool nothing_to_read = !roost::wait_readable_for(ends.near, 1ms);
    {
      const std::jthread writer([&] { ends.write(); });
      roost::wait_readable(ends.near);
    }
    if (!timed_out || got != 7 || !nothing_to_read)
      std::_Exit(EXIT_FAILURE);
    std::puts("waited to the last");
  }

 private:
  roost::channel_ends<int> channel_ = roost::make_channel<int>();
};

// One is made before the first wait of the program, the other one after it.
const last_words early;

} // namespace

int main() { // NOLINT(bugprone-exception-escape): then the test has failed
  {
    roost::event e;
    static_cast<void>(e.wait_for(1ms));
    const test::two_ends ends = test::a_pipe();
    static_cast<void>(roost::wait_readable_for(ends.near, 1ms));
  }
  static const last_words late;
  return EXIT_SUCCESS;
}
