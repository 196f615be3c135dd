// SPDX-License-Identifier: BSL-1.0
// A server wants three requests at once at most, and one start a tick at most. Notice that the
// permit goes into the task: it goes back with the task, whatever way the task ends.
#include <roost.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>
#include <utility>

using namespace std::chrono_literals;

int main() {
  std::atomic<int> asked = 0;
  roost::event third_asked;
  const auto ask_server = [&] { // the slow server: it answers once three requests have come
    if (++asked == 3)
      third_asked.set();
    third_asked.wait();
  };

  roost::semaphore at_once(3);
  const auto begin = roost::clock::now();
  roost::ticker tick(2ms);
  roost::task_scope scope;
  auto log = roost::make_channel<int>(roost::unbounded); // +1 for a start, -1 for an end
  int too_early = 0;
  for (int i = 1; i <= 10; ++i) {
    auto permit = at_once.acquire(); // first, so that the task starts right after the tick
    tick.wait();
    too_early += roost::clock::now() < begin + i * tick.period() ? 1 : 0;
    scope.spawn("request", [&ask_server, out = log.tx, held = std::move(permit)] {
      (void)out.send(+1);
      ask_server();
      (void)out.send(-1);
    });
  }
  scope.join();

  int starts = 0;
  int running = 0;
  int most = 0;
  while (const auto change = log.rx.try_receive()) {
    starts += *change > 0 ? 1 : 0;
    running += *change;
    most = std::max(most, running);
  }
  std::cout << "starts: " << starts << ", at once at most: " << most << '\n'
            << "before their tick: " << too_early << '\n';
}

// Output:
//   starts: 10, at once at most: 3
//   before their tick: 0
