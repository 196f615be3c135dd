// SPDX-License-Identifier: BSL-1.0
// A service ends on SIGTERM: it takes no more requests, gives the requests in flight some time, and
// then stops the rest. Notice that a task waits for the signal, and that a stop on request is a
// normal end: join() returns, and so does main().
#include <roost.hpp>
#include <roost/posix.hpp>

#include <chrono>
#include <csignal>
#include <iostream>
#include <unistd.h>

using namespace std::chrono_literals;

int main() {
  roost::signal_watch signals({SIGTERM}); // before the first thread: threads inherit its mask
  roost::event closing;
  roost::wait_group requests;
  roost::task_scope service({.name = "service"});
  service.spawn("signals", [&] {
    signals.wait();
    std::cout << "SIGTERM: no more requests\n";
    closing.set();
    if (!requests.wait_for(2s)) // the grace period
      std::cout << "the time is over\n";
    service.request_stop("SIGTERM");
  });
  for (const bool is_quick : {true, false}) {
    // spawn() is no checkpoint: without this call, a loop that only spawns learns of a failure or
    // a stop at the end of the scope.
    roost::this_task::checkpoint();
    requests.spawn(service, [&closing, is_quick] {
      if (!is_quick)
        roost::this_task::sleep_for(1h);
      closing.wait(); // its work
      std::cout << "the quick request was served\n";
    });
  }
  kill(getpid(), SIGTERM); // as an operator does
  service.join();
  std::cout << "a normal end\n";
}

// Output:
//   SIGTERM: no more requests
//   the quick request was served
//   the time is over
//   a normal end
