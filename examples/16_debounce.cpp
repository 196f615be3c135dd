// SPDX-License-Identifier: BSL-1.0
// Saves a text once its editor is quiet, not at each key. Notice that the timeout begins anew with
// each key, and that a close ends the wait at once, so that no text stays unsaved.
#include <roost.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

int main() {
  auto keys = roost::make_channel<char>(64);
  auto saves = roost::make_channel<std::string>();
  roost::task_scope scope;

  scope.spawn("saver", [rx = std::move(keys.rx), out = std::move(saves.tx)] {
    std::string text;
    while (const auto first = rx.receive()) {
      text += *first;
      while (const auto next = rx.receive_for(20ms)) // ends by timeout or close: quiet
        text += *next;
      (void)out.send(text);
    }
  });

  const auto type = [&keys](const std::string& word) {
    (void)keys.tx.send_all(std::vector<char>(word.begin(), word.end()));
  };
  type("debo");
  std::cout << "saved: " << saves.rx.receive().value() << '\n';
  type("un");
  type("ce");
  keys.tx.close(); // the user leaves the editor
  std::string last;
  for (const auto& text : saves.rx)
    last = text;
  std::cout << "saved in the end: " << last << '\n';
}

// Output:
//   saved: debo
//   saved in the end: debounce
