// SPDX-License-Identifier: BSL-1.0
// Each line of a log goes to every receiver. Notice that a receiver decides what happens when it is
// slow: the file wants every line, so the sender waits for it; the display loses old lines, and
// learns how many. A late receiver begins with the latest line.
#include <roost.hpp>

#include <iostream>
#include <string>
#include <utility>

int main() {
  std::string file;
  roost::task_scope scope;
  roost::broadcast<std::string> log(4);
  const auto display = log.subscribe(roost::overflow::drop_oldest);

  scope.spawn("file", [&file, rx = log.subscribe()] {
    for (const std::string& line : rx) // until the last sender has gone
      file += line + ';';
  });
  for (int i = 1; i <= 10; ++i)
    (void)log.send("line " + std::to_string(i));
  const auto late = log.subscribe(roost::overflow::drop_oldest);
  log.close();
  scope.join();

  std::cout << "file: " << file << '\n';
  while (const auto line = display.receive()) {
    if (line.missed() > 0)
      std::cout << "display: " << line.missed() << " lines left out\n";
    std::cout << "display: " << *line << '\n';
  }
  std::cout << "late: " << late.receive().value() << '\n';
}

// Output:
//   file: line 1;line 2;line 3;line 4;line 5;line 6;line 7;line 8;line 9;line 10;
//   display: 6 lines left out
//   display: line 7
//   display: line 8
//   display: line 9
//   display: line 10
//   late: line 10
