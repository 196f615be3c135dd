// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>
#if defined(__linux__)
#include <dirent.h>
#endif

namespace roost::inline v0::detail::sync {

/// The numbers of all threads of this process, as thread_number() gives them; none where the system
/// does not tell them. A thread stays in the list for a moment after it has been joined.
inline std::vector<std::uint64_t> all_threads() {
  std::vector<std::uint64_t> numbers;
#if defined(__linux__)
  struct closer {
    void operator()(DIR* open) const noexcept { ::closedir(open); }
  };
  const std::unique_ptr<DIR, closer> folder(::opendir("/proc/self/task"));
  if (folder == nullptr)
    return numbers;
  while (const dirent* const entry = ::readdir(folder.get())) { // NOLINT(concurrency-mt-unsafe)
    if (const auto number = std::strtoull(entry->d_name, nullptr, 10); number != 0)
      numbers.push_back(number);
  }
#endif
  return numbers;
}

/// The system's name for that thread of this process; empty where the system does not tell it.
inline std::string thread_name([[maybe_unused]] std::uint64_t number) {
  std::string name;
#if defined(__linux__)
  const std::string path = "/proc/self/task/" + std::to_string(number) + "/comm";
  if (std::FILE* const file = std::fopen(path.c_str(), "re")) {
    std::array<char, 32> room{};
    name.assign(room.data(), std::fread(room.data(), 1, room.size(), file));
    std::fclose(file);
    if (!name.empty() && name.back() == '\n')
      name.pop_back();
  }
#endif
  return name;
}

} // namespace roost::inline v0::detail::sync
