// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <spawn.h>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace bench {

struct program_end {
  std::optional<int> exit_code; // none: killed by a signal, or by us at the end of its time
  std::string output;
  double nanoseconds = 0; // from its start to its end
};

/// A program that has been started, with its standard output on a pipe.
class running_program {
 public:
  explicit running_program(const std::vector<std::string>& command) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
      throw std::system_error(errno, std::generic_category(), "pipe2");
    output_ = ends[0];
    const int error = start(command, ends[1]);
    ::close(ends[1]);
    if (error != 0) {
      ::close(output_);
      throw std::system_error(error, std::generic_category(), command.front());
    }
  }

  running_program(const running_program&) = delete;
  running_program& operator=(const running_program&) = delete;

  ~running_program() {
    ::close(output_);
    if (child_ != 0) {
      ::kill(child_, SIGKILL);
      (void)wait();
    }
  }

  /// Reads on until the program has closed its output, or the time is over: then it is killed.
  std::string read_all(std::chrono::steady_clock::time_point deadline) {
    std::string text;
    std::array<char, 4096> buffer{};
    while (wait_for_output(deadline)) {
      const ssize_t size = ::read(output_, buffer.data(), buffer.size());
      if (size <= 0)
        return text;
      text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    ::kill(child_, SIGKILL);
    return text;
  }

  /// Its exit code, unless it was killed.
  std::optional<int> wait() {
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    child_ = 0;
    return WIFEXITED(status) ? std::optional(WEXITSTATUS(status)) : std::nullopt;
  }

 private:
  int start(const std::vector<std::string>& command, int output) {
    std::vector<std::string> texts = command;
    std::vector<char*> arguments;
    for (std::string& text : texts)
      arguments.push_back(text.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    const int error =
        ::posix_spawnp(&child_, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
  }

  bool wait_for_output(std::chrono::steady_clock::time_point deadline) const {
    using std::chrono::milliseconds;
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd entry{output_, POLLIN, 0};
    return left.count() > 0 && ::poll(&entry, 1, static_cast<int>(left.count())) > 0;
  }

  int output_ = -1;
  pid_t child_ = 0;
};

/// Runs `command` and reads what it writes to its standard output.
inline program_end run_program(const std::vector<std::string>& command,
                               std::chrono::seconds time_limit) {
  const auto start = std::chrono::steady_clock::now();
  running_program program(command);
  program_end end;
  end.output = program.read_all(start + time_limit);
  end.exit_code = program.wait();
  using nanoseconds = std::chrono::duration<double, std::nano>;
  end.nanoseconds = nanoseconds(std::chrono::steady_clock::now() - start).count();
  return end;
}

} // namespace bench
