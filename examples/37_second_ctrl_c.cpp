// SPDX-License-Identifier: BSL-1.0
// The first Ctrl-C asks the service to stop, and the second one ends the program at once, although
// one of the tasks never stops. Notice that the task that waits for the signals is not in the scope
// that they stop, so it goes on waiting; and that there is no signal handler.
#include <roost.hpp>
#include <roost/posix.hpp>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <sys/types.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

void tell(int to, char what) {
  if (::write(to, &what, 1) != 1)
    std::_Exit(1);
}

void serve(int to) {
  roost::signal_watch signals({SIGINT, SIGTERM}); // before the first thread
  roost::task_scope service({.name = "service"});
  roost::background_scope beside({.name = "signals", .inherit = false}); // after it, not inside it
  beside.spawn([&] {
    (void)signals.wait();
    service.request_stop("Ctrl-C");
    tell(to, 's');
    std::_Exit(128 + signals.wait());
  });
  service.spawn("stuck", [to] {
    tell(to, 'r');
    std::this_thread::sleep_for(1h); // not a wait of roost
  });
  service.join();
}

} // namespace

int main() {
  int ends[2] = {};
  if (::pipe(ends) != 0)
    return 1;
  const pid_t service = ::fork(); // no thread yet
  if (service == 0) {
    serve(ends[1]);
    return 0;
  }
  char heard = 0;
  for (const std::string what : {"it runs", "it is asked to stop"}) {
    if (::read(ends[0], &heard, 1) != 1)
      return 1;
    std::cout << what << std::endl;
    ::kill(service, SIGINT); // the user types Ctrl-C
  }
  int status = 0;
  ::waitpid(service, &status, 0);
  std::cout << "it ended with exit code " << WEXITSTATUS(status) << '\n';
}

// Output:
//   it runs
//   it is asked to stop
//   it ended with exit code 130
