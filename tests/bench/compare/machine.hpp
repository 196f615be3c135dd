// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/compare/run_program.hpp"

#include <array>
#include <chrono>
#include <ctime>
#include <fstream>
#include <string>
#include <sys/utsname.h>
#include <system_error>
#include <thread>
#include <vector>

namespace bench {

inline std::string cpu_model() {
  std::ifstream lines("/proc/cpuinfo");
  for (std::string text; std::getline(lines, text);)
    if (text.rfind("model name", 0) == 0)
      return text.substr(text.find(':') + 2);
  return "unknown CPU";
}

inline std::string first_line_of(const std::vector<std::string>& command) {
  try {
    const std::string output = run_program(command, std::chrono::seconds(10)).output;
    return output.substr(0, output.find('\n'));
  } catch (const std::system_error&) {
    return "no " + command.front();
  }
}

inline std::string today() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  (void)std::strftime(text.data(), text.size(), "%Y-%m-%d", &parts);
  return text.data();
}

/// Date, processor, kernel and compiler, in one line.
inline std::string machine_text(const std::string& compiler) {
  utsname kernel{};
  (void)::uname(&kernel);
  return today() + ", " + cpu_model() + ", " + std::to_string(std::thread::hardware_concurrency()) +
         " cores, " + kernel.sysname + " " + kernel.release + ", " +
         first_line_of({compiler, "--version"});
}

} // namespace bench
