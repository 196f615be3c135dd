// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "descriptor.hpp"

#include <cerrno>
#include <system_error>
#include <unistd.h>

namespace tree_search {

/// Wakes a thread that blocks in a system call: this thread waits in read() or poll() on fd(),
/// another one rings.
///
/// What to notice: roost wakes its own waits. For a wait it cannot know, a std::stop_callback on
/// the task's stop token rings one of these (see interrupts and output).
class wake_pipe {
 public:
  wake_pipe() {
    int ends[2] = {};
    if (::pipe(ends) != 0)
      throw std::system_error(errno, std::generic_category(), "pipe");
    read_ = descriptor(ends[0]);
    write_ = descriptor(ends[1]);
  }

  /// From any thread, also from a signal handler.
  void ring(unsigned char note = 0) const noexcept {
    const int saved = errno;
    [[maybe_unused]] const ssize_t written = ::write(write_.get(), &note, 1);
    errno = saved;
  }

  /// Waits for a ring and takes its note.
  unsigned char wait() const {
    unsigned char note = 0;
    while (::read(read_.get(), &note, 1) < 0 && errno == EINTR) {
    }
    return note;
  }

  /// Readable from the first ring on, and until wait() has taken all rings.
  int fd() const noexcept { return read_.get(); }

 private:
  descriptor read_;
  descriptor write_;
};

} // namespace tree_search
