// SPDX-License-Identifier: BSL-1.0
// A pipeline: one reader, three workers, one writer. Notice how it ends: a task's ends of the
// channels go with the task, and the last sender closes the channel for the next stage.
#include <roost.hpp>

#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <utility>

int main() {
  const std::string text = "the owl and the pussycat went to sea in a beautiful pea green boat "
                           "the owl looked up to the stars above";

  roost::task_scope scope({.name = "count"});
  auto words = roost::make_channel<std::string>(8);
  auto counted = roost::make_channel<std::map<std::string, int>>();
  scope.spawn("reader", [&text, out = std::move(words.tx)] {
    std::istringstream in(text);
    for (std::string word; in >> word;) {
      if (!out.send(std::move(word)))
        return;
    }
  });
  {
    const auto in = std::move(words.rx); // gone after this block: then only the workers have ends
    const auto out = std::move(counted.tx);
    for (int i = 0; i < 3; ++i) {
      scope.spawn("worker", [in, out] {
        std::map<std::string, int> counts;
        for (const std::string& word : in)
          ++counts[word];
        (void)out.send(std::move(counts));
      });
    }
  }

  std::map<std::string, int> total;
  for (const auto& counts : counted.rx) {
    for (const auto& [word, count] : counts)
      total[word] += count;
  }
  for (const auto& [word, count] : total) {
    if (count > 1)
      std::cout << word << ' ' << count << '\n';
  }
}

// Output:
//   owl 2
//   the 4
//   to 2
