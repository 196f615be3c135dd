// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string_view>

namespace roost::inline v0::detail::sync {

#if defined(__linux__)
/// The text behind the name in a `stat` file of /proc: a state, and numbers. Empty if the file
/// cannot be read. The text lies in `room`; nothing is allocated.
[[gnu::cold]] inline std::string_view read_stat(const char* path, std::array<char, 512>& room) {
  std::FILE* const file = std::fopen(path, "re");
  if (file == nullptr)
    return {};
  const std::string_view text(room.data(), std::fread(room.data(), 1, room.size(), file));
  std::fclose(file);
  const std::size_t name_ends = text.rfind(") "); // `<number> (<name>) <state> ...`
  return name_ends == std::string_view::npos ? std::string_view() : text.substr(name_ends + 2);
}
#endif

/// What a thread of this process does, by the system's word: "sleeping", "runnable" and so on.
/// Empty where the system does not tell it, for a number that is not the system's, and for a thread
/// that is gone. Reads a file.
[[gnu::cold]] inline std::string_view thread_state(std::uint64_t number) {
#if defined(__linux__)
  std::array<char, 48> path{};
  std::snprintf(path.data(),
                path.size(),
                "/proc/self/task/%llu/stat",
                static_cast<unsigned long long>(number));
  std::array<char, 512> room{};
  const std::string_view stat = read_stat(path.data(), room);
  switch (stat.empty() ? ' ' : stat.front()) {
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

/// How many threads this process has; 0 where the system does not tell it. Reads a file.
[[gnu::cold]] inline std::size_t thread_count() {
#if defined(__linux__)
  std::array<char, 512> room{};
  std::string_view text = read_stat("/proc/self/stat", room); // <state> <16 numbers> <threads> ...
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
