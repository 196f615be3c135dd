// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include "descriptor.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace tree_search {

/// Reads a file in pieces of whole lines. The buffer is kept from file to file.
///
/// It decides piece by piece whether a file is binary, as grep does: a NUL byte ends the search of
/// the file, and the lines found in earlier pieces stay found. Not by mmap: a file that shrinks
/// meanwhile would raise SIGBUS.
class line_reader {
 public:
  enum class status { lines, end, binary, error };

  /// False: errno tells why. `file()` then describes the file.
  bool open(const std::string& path) {
    // O_NONBLOCK: the walker saw a file, but it may be a pipe by now
    fd_ = descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    offset_ = lines_ = filled_ = 0;
    return fd_.get() >= 0 && ::fstat(fd_.get(), &file_) == 0;
  }
  void close() { fd_ = descriptor(); }

  const struct stat& file() const { return file_; }

  /// `lines`: lines() holds the next ones. `binary`: this is not a text. `error`: errno tells why.
  /// Throws roost::stopped.
  status next() {
    drop_lines();
    for (;;) {
      roost::this_task::checkpoint(); // a stop does not wait for the end of a large file
      const std::size_t old = filled_;
      if (!fill())
        return status::error;
      if (filled_ == old) {
        lines_ = filled_; // the last line may lack its newline
        return lines_ > 0 ? status::lines : status::end;
      }
      const std::string_view fresh(buffer_.data() + old, filled_ - old);
      if (fresh.find('\0') != fresh.npos || (offset_ == fresh.size() && has_hole()))
        return status::binary;
      if (const std::size_t newline = fresh.rfind('\n'); newline != fresh.npos) {
        lines_ = old + newline + 1;
        return status::lines;
      }
    }
  }
  std::string_view lines() const { return {buffer_.data(), lines_}; }

 private:
  // drops the lines that next() gave out, and keeps the incomplete one behind them
  void drop_lines() {
    std::copy(buffer_.data() + lines_, buffer_.data() + filled_, buffer_.data());
    filled_ -= lines_;
    lines_ = 0;
  }

  // Adds nothing at the end of the file.
  bool fill() {
    if (offset_ > 0 && offset_ == static_cast<std::size_t>(file_.st_size))
      return true; // nothing is left to read; but files of /proc have no size
    constexpr std::size_t piece = std::size_t{96} * 1024; // grep's
    if (buffer_.size() < filled_ + piece)
      buffer_.resize(std::max(filled_ + piece, 2 * buffer_.size()));
    ssize_t count = 0;
    do
      count = ::read(fd_.get(), buffer_.data() + filled_, piece);
    while (count < 0 && errno == EINTR);
    if (count < 0)
      return false;
    filled_ += static_cast<std::size_t>(count);
    offset_ += static_cast<std::size_t>(count);
    return true;
  }

  // A hole reads as NUL bytes: to find it here saves reading all that lies before it.
  bool has_hole() const {
#ifdef SEEK_HOLE
    const auto here = static_cast<off_t>(offset_);
    if (file_.st_size <= here)
      return false;
    const off_t hole = ::lseek(fd_.get(), here, SEEK_HOLE);
    return hole >= 0 && ::lseek(fd_.get(), here, SEEK_SET) == here && hole < file_.st_size;
#else
    return false;
#endif
  }

  descriptor fd_;
  struct stat file_ {};
  std::string buffer_; // [0, lines_) given out, [lines_, filled_) an incomplete line, then free
  std::size_t lines_ = 0;
  std::size_t filled_ = 0;
  std::size_t offset_ = 0; // bytes of the file read so far
};

} // namespace tree_search
