// SPDX-License-Identifier: BSL-1.0

// log_fan_out: each line of a log goes to every subscriber, and none of them can hold up the others
// or the program, unless it is one that must have all lines.
//
// What to notice:
// - What a slow subscriber loses is its own affair (overflow::drop_oldest), and it says so: the
//   next line that it gets knows how many are missing before it. So each line is shown or counted.
// - A subscriber that is stopped does not drop what it has not shown: try_receive() does not look
//   at stops and never waits, and so may be called while a stop unwinds.
// - log.close() ends those that listen, each behind its last line. A stop ends those that do not.

#include <roost.hpp>

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

namespace {

/// What a subscriber has shown.
struct transcript {
  std::vector<std::string> lines; // also those that say what was lost
  std::uint64_t received = 0;
  std::uint64_t lost = 0;

  void add(const roost::shared_result<std::string>& next) {
    if (next.missed() > 0)
      lines.push_back("(" + std::to_string(next.missed()) + " lines lost)");
    lines.push_back(*next);
    lost += next.missed();
    ++received;
  }
};

/// Shows the lines once its device is `ready`, until the log is closed.
void follow(const roost::broadcast_receiver<std::string>& log,
            roost::event& ready,
            transcript& shown) {
  try {
    ready.wait();
    while (const auto next = log.receive())
      shown.add(next);
  } catch (const roost::stopped&) {
    while (const auto next = log.try_receive())
      shown.add(next);
    throw;
  }
}

void print(const char* name, const transcript& shown) {
  std::cout << name << ": " << shown.received << " lines, " << shown.lost << " lost\n";
  if (shown.lines.size() > 10)
    return;
  for (const std::string& line : shown.lines)
    std::cout << "  " << line << '\n';
}

} // namespace

int main() {
  constexpr int count = 1000;
  transcript file;
  transcript screen;
  transcript mail;
  roost::event always;
  always.set();
  roost::event screen_is_on;
  roost::event connected; // never
  roost::task_scope scope({.name = "log"});
  roost::broadcast<std::string> log(4, roost::overflow::drop_oldest, "log");

  auto to_file = scope.spawn("file", [&, rx = log.subscribe(roost::overflow::block)] {
    follow(rx, always, file); // must have every line, so it may hold up the program
  });
  auto to_screen = scope.spawn("screen", [&, rx = log.subscribe()] { // as the log has it: drop
    follow(rx, screen_is_on, screen);
  });
  auto to_mail = scope.spawn("mail", [&, rx = log.subscribe()] { follow(rx, connected, mail); });

  for (int i = 1; i <= count; ++i)
    (void)log.send("line " + std::to_string(i)); // fails only once it is closed
  screen_is_on.set();                            // it was slow: it has lost all but the last lines
  log.close();
  to_file.get();
  to_screen.get();
  to_mail.request_stop("the program ends");
  scope.join();

  print("file", file);
  print("screen", screen);
  print("mail", mail);
}

// Output:
//   file: 1000 lines, 0 lost
//   screen: 4 lines, 996 lost
//     (996 lines lost)
//     line 997
//     line 998
//     line 999
//     line 1000
//   mail: 4 lines, 996 lost
//     (996 lines lost)
//     line 997
//     line 998
//     line 999
//     line 1000
