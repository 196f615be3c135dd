// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace roost::inline v0::detail::sync {

/// What the system says that a thread of this process does: "sleeping", "runnable" and so on.
/// Nothing where it does not say it, for a number that is not the system's, or for a thread that is
/// gone. Reads a file.
inline std::string_view thread_state(std::uint64_t number) {
#if defined(__linux__)
  const std::string path = "/proc/self/task/" + std::to_string(number) + "/stat";
  std::FILE* const file = std::fopen(path.c_str(), "re");
  if (file == nullptr)
    return {};
  char line[128]; // `<number> (<name, 15 characters>) <state> ...`
  const std::string_view text(line, std::fread(line, 1, sizeof line, file));
  std::fclose(file);
  const std::size_t name_ends = text.rfind(") ");
  if (name_ends == std::string_view::npos || name_ends + 2 >= text.size())
    return {};
  switch (text[name_ends + 2]) {
  case 'R':
    return "runnable";
  case 'S':
    return "sleeping";
  case 'D':
    return "waiting for a device";
  case 'T':
  case 't':
    return "halted";
  default:
    return {};
  }
#else
  (void)number;
  return {};
#endif
}

/// How many threads this process has; 0 where the system does not say it. Reads a file.
inline std::size_t thread_count() {
#if defined(__linux__)
  std::FILE* const file = std::fopen("/proc/self/stat", "re");
  if (file == nullptr)
    return 0;
  std::array<char, 512> line{}; // `<number> (<name>) <state> <16 numbers> <threads> ...`
  std::string_view text(line.data(), std::fread(line.data(), 1, line.size(), file));
  std::fclose(file);
  const std::size_t name_ends = text.rfind(") ");
  if (name_ends == std::string_view::npos)
    return 0;
  text.remove_prefix(name_ends + 2);
  for (int i = 0; i < 17; ++i) {
    const std::size_t blank = text.find(' ');
    if (blank == std::string_view::npos)
      return 0;
    text.remove_prefix(blank + 1);
  }
  std::size_t count = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1))
    count = 10 * count + static_cast<std::size_t>(text.front() - '0');
  return count;
#else
  return 0;
#endif
}

} // namespace roost::inline v0::detail::sync
