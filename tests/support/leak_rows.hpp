// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include "support/another_thread.hpp"
#include "support/expect.hpp"
#include "support/told_texts.hpp"

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

// Programs that show the known shapes of leaks, one in each process: how each would leak, and what
// is told of that; and the same without the mistake, of which nothing is told.

namespace test {

/// scope_options::stall_after where something is to be told; and where nothing is, but for scopes
/// that are stopped: on a busy machine a task may take as long to end.
inline constexpr std::chrono::milliseconds soon(20);

/// A line of the calling file.
inline std::string at_line(std::size_t line, const char* file = __builtin_FILE()) {
  return std::string(file) + ":" + std::to_string(line);
}

/// The first text is to be of that class, and to have all these words.
inline void expect_told(const told_texts& told,
                        std::string_view headline,
                        const std::vector<std::string>& words,
                        roost::site where = roost::site::current()) {
  const std::vector<std::string> texts = told.all();
  const std::string text = texts.empty() ? "nothing\n" : texts.front();
  const std::string begins = "roost: " + std::string(headline);
  expect(text.starts_with(begins), text + "  is to begin with " + begins, where);
  const std::string has = text + "  is to have ";
  for (const std::string& w : words)
    expect(text.find(w) != std::string::npos, has + w, where);
}

inline void expect_silence(const told_texts& told, roost::site where = roost::site::current()) {
  const std::vector<std::string> texts = told.all();
  expect(texts.empty(), "nothing is to be told, but: " + (texts.empty() ? "" : texts[0]), where);
}

/// How a text begins where nothing in a scope goes on.
inline std::string standstill_of(const std::string& scope) {
  const std::string name = "nothing in scope \"" + scope + "\" ";
  return has_another_thread ? "IDLE-UNTIL-STOP: " + name + "goes on by itself"
                            : "DEADLOCK: " + name + "can go on";
}

struct leak_row {
  std::string_view name;
  void (*leaks)();
  void (*is_right)(); // null: it is not shown
};

/// Runs the row that the argument names.
template <std::size_t Count>
int run_leak_row(const leak_row (&rows)[Count], int argc, char** argv) {
  const std::string_view wanted = argc == 2 ? argv[1] : "";
  for (const leak_row& row : rows) {
    if (row.name != wanted)
      continue;
    row.leaks();
    if (row.is_right != nullptr)
      row.is_right();
    return exit_code();
  }
  std::puts("run with the name of a row");
  return 1;
}

} // namespace test
