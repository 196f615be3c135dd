// SPDX-License-Identifier: BSL-1.0
// `kill -USR1 <pid>` makes a service print what its tasks wait for, and -USR2 prints that as JSON.
// Notice that there is no signal handler, which may call next to nothing: a task waits for the
// signals. Its scope is its own, so it answers while the service hangs, fails or ends.
#include <roost.hpp>
#include <roost/posix.hpp>

#include <csignal>
#include <exception>
#include <functional>
#include <iostream>
#include <string>
#include <unistd.h>
#include <utility>

namespace {

/// Make it before the first thread, as any signal_watch. A signal that comes after it waits,
/// instead of killing the program.
class report_on_signal {
 public:
  explicit report_on_signal(std::function<void(const std::string&)> print)
      : print_(std::move(print)) {
    tasks_.spawn("report on signal", [this] { run(); });
  }

 private:
  void run() {
    for (;;) {
      const int signal = signals_.wait();
      try {
        const roost::report all = roost::report_all();
        print_(signal == SIGUSR1 ? roost::to_text(all) : roost::to_json(all) + "\n");
      } catch (const std::exception& error) { // the next one may succeed
        std::cerr << "no report: " << error.what() << std::endl;
      }
    }
  }

  std::function<void(const std::string&)> print_;
  roost::signal_watch signals_{SIGUSR1, SIGUSR2};
  roost::background_scope tasks_{{.name = "reports"}}; // last: its task uses the rest
};

} // namespace

int main() {
  const auto printed = roost::make_channel<std::string>();
  // A service would write to its log, or std::cerr.
  const report_on_signal reports([&](const std::string& text) { (void)printed.tx.send(text); });

  roost::event configured; // which no task sets
  roost::task_scope service({.name = "service", .exit = roost::on_exit::stop});
  const roost::outside_waker printing(service); // a thread that is not of this scope sends to it
  service.spawn("consumer", [&] { configured.wait(); });

  const auto ask = [&](int signal, const std::string& wanted) {
    std::string text;
    while (text.find(wanted) == std::string::npos) { // until the consumer has come so far
      kill(getpid(), signal);
      text = printed.rx.receive().value();
    }
    std::cout << "found: " << wanted << '\n';
  };
  ask(SIGUSR1, "in event::wait (not set)");
  ask(SIGUSR1, "\"report on signal\"");
  ask(SIGUSR2, R"("operation": "event::wait", "object": "event", "detail": "not set")");
}

// Output:
//   found: in event::wait (not set)
//   found: "report on signal"
//   found: "operation": "event::wait", "object": "event", "detail": "not set"
