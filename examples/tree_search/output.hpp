// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>
#include <roost/posix.hpp>

#include "report.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstddef>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace tree_search {

/// Standard output and standard error. Only main uses it; hurry() is for any thread.
///
/// What to notice: a write to a full pipe blocks until its reader reads, and no stop ends that. So
/// flush() waits first, for the reader or for hurry(), and then writes no more than the pipe is
/// sure to take. The wait is behind a shield: what was found is printed although the search was
/// stopped.
class output {
 public:
  output() = default;
  ~output() { hide_progress(); }
  output(const output&) = delete;
  output& operator=(const output&) = delete;

  /// Prints the report; its lines may have to wait for the next flush().
  void add(const report& found) {
    constexpr std::size_t enough = std::size_t{64} * 1024;
    matched_ |= found.matched;
    failed_ |= !found.messages.empty();
    lines_ += found.lines;
    if (lines_.size() >= enough)
      flush();
    if (!found.messages.empty()) {
      hide_progress();
      write(STDERR_FILENO, found.messages);
    }
  }

  /// Throws std::system_error when standard output fails.
  void flush() {
    if (lines_.empty())
      return;
    hide_progress();
    const std::string lines = std::exchange(lines_, {});
    if (!write(STDOUT_FILENO, lines))
      throw std::system_error(errno, std::generic_category(), "write error");
  }

  /// From any thread: from now on a write waits half a second for its reader, and not for ever.
  void hurry() noexcept { hurried_.set(); }

  /// On a terminal, shows how far the search is, until the next line is printed. It may be called
  /// often: it writes seldom.
  void show_progress(std::size_t files) {
    const auto now = clock::now();
    if (!is_terminal_ || now < next_progress_)
      return;
    hide_progress();
    next_progress_ = now + progress_interval;
    const std::string text = std::to_string(files) + " files searched";
    progress_width_ = text.size();
    write(STDERR_FILENO, text);
  }

  void hide_progress() {
    const std::size_t width = std::exchange(progress_width_, 0);
    if (width > 0)
      write(STDERR_FILENO, '\r' + std::string(width, ' ') + '\r');
  }

  static constexpr std::chrono::milliseconds progress_interval{125};

  bool matched() const { return matched_; }
  bool failed() const { return failed_; }

 private:
  using clock = std::chrono::steady_clock;

  // False: errno tells why. Drops the text that a reader does not take in time after hurry().
  bool write(int fd, std::string_view text) {
    const std::size_t most = may_block(fd) ? PIPE_BUF : text.size();
    while (!text.empty() && wait_for_reader(fd)) {
      const ssize_t count = ::write(fd, text.data(), std::min(text.size(), most));
      if (count >= 0)
        text.remove_prefix(static_cast<std::size_t>(count));
      else if (errno != EINTR && errno != EAGAIN)
        return false;
    }
    return true;
  }

  static bool may_block(int fd) {
    struct stat file {};
    const bool known = ::fstat(fd, &file) == 0;
    return known && (S_ISFIFO(file.st_mode) || S_ISSOCK(file.st_mode) || ::isatty(fd) == 1);
  }

  // False: after hurry(), the reader takes nothing in time.
  bool wait_for_reader(int fd) {
    const roost::shield until_printed(roost::clock::duration::max());
    bool is_ready = false;
    if (!hurried_.is_set())
      roost::select(roost::on_writable(fd, [&] { is_ready = true; }), roost::on_set(hurried_));
    if (!is_ready && !roost::wait_writable_for(fd, patience_)) {
      patience_ = {};
      return false;
    }
    return true;
  }

  const bool is_terminal_ = ::isatty(STDERR_FILENO) == 1;
  roost::event hurried_;
  std::chrono::milliseconds patience_{500}; // after hurry(); none after a wait in vain
  std::string lines_;                       // for the next flush
  bool matched_ = false;
  bool failed_ = false;
  clock::time_point next_progress_{};
  std::size_t progress_width_ = 0; // of the text on the terminal's last line
};

} // namespace tree_search
