// SPDX-License-Identifier: BSL-1.0
// A service that ends on SIGTERM: it takes no more requests, gives those that are in flight some
// time, and then stops the rest. Notice that the signal is waited for in a task like any other, and
// that a stop which was asked for is a normal end: join() returns, and so does main.
#include <roost.hpp>

#include <chrono>
#include <csignal>
#include <iostream>
#include <pthread.h>
#include <stop_token>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

void wait_for(const sigset_t& signals) {
  // A stop cannot reach sigwait: so it sends this thread a signal that it waits for, too.
  const std::stop_callback wake(roost::this_task::stop_token(),
                                [here = pthread_self()] { pthread_kill(here, SIGUSR1); });
  int signal = 0;
  sigwait(&signals, &signal);
  roost::this_task::checkpoint(); // throws if it was the stop
}

} // namespace

int main() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr); // before all threads: they inherit it
  roost::event closing;
  roost::wait_group requests;
  roost::task_scope service({.name = "service"});
  service.spawn("signals", [&] {
    wait_for(signals);
    std::cout << "SIGTERM: no more requests\n";
    closing.set();
    if (!requests.wait_for(300ms)) // the grace period
      std::cout << "the time is over\n";
    service.request_stop("SIGTERM");
  });
  for (const bool is_quick : {true, false}) {
    // spawn() is no checkpoint: without this a loop that only spawns would learn of a failure, or
    // of a stop, at the end of the scope.
    roost::this_task::checkpoint();
    requests.spawn(service, [&closing, is_quick] {
      if (!is_quick)
        roost::this_task::sleep_for(1h);
      closing.wait(); // or whatever it has to do
      std::cout << "the quick request was served\n";
    });
  }
  kill(getpid(), SIGTERM); // as an operator would
  service.join();
  std::cout << "a normal end\n";
}

// Output:
//   SIGTERM: no more requests
//   the quick request was served
//   the time is over
//   a normal end
