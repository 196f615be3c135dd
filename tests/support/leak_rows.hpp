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

/// True while a row runs once more, to end by the verdict of a deadlock.
inline bool wants_verdict = false;

/// The options of a root scope of a row.
inline roost::scope_options watched(roost::scope_options options) {
  options.stall_after = wants_verdict ? roost::clock::duration::max() : soon;
  if (wants_verdict)
    options.on_deadlock = roost::on_deadlock::stop;
  return options;
}

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

/// Whether nothing can go on in a row, for certain.
enum class verdict { none, deadlock };

struct leak_row {
  std::string_view name;
  void (*leaks)();
  void (*is_right)(); // null: it is not shown
  verdict given = verdict::none;
};

/// The same at once, by an exception; and it stays silent where there is no mistake.
inline void expect_verdict(const leak_row& row) {
  wants_verdict = true;
  try {
    row.leaks();
    expect(false, "it ends by a deadlock_error");
  } catch (const roost::deadlock_error& error) {
    const std::string_view text = error.what();
    expect(text.starts_with("roost: DEADLOCK: nothing in scope ") &&
               !error.what_waits().scopes.empty(),
           text);
  }
  if (row.is_right != nullptr)
    row.is_right();
  wants_verdict = false;
}

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
    if (row.given == verdict::deadlock)
      expect_verdict(row);
    return exit_code();
  }
  std::puts("run with the name of a row");
  return 1;
}

} // namespace test
