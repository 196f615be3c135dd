// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>

struct no_such_page : std::runtime_error { // to ask again is of no use
  using std::runtime_error::runtime_error;
};

/// Answers so many requests at once, and one a period from now on; refuses what is beyond. Some
/// paths are answered badly, late, or never.
class fake_server {
 public:
  fake_server(std::size_t at_once, roost::clock::duration period)
      : seats_(at_once),
        period_(period) {}

  std::string get(const std::string& path) {
    const auto seat = seats_.try_acquire(); // goes back however the request ends
    const int tries = note(path);
    if (!seat)
      throw std::runtime_error("429"); // too many requests
    if (path == "/gone")
      throw no_such_page("404");
    if (path == "/down" || (path == "/busy" && tries < 3))
      throw std::runtime_error("503");
    if (path == "/slow" && tries == 1)
      roost::this_task::sleep_for(std::chrono::hours(1));
    if (path == "/hangs") {
      hangs.set();
      roost::select(); // for ever
    }
    return "page " + path;
  }

  roost::event hangs; // set once a request has come that will not be answered

  int requests() const { return requests_; }
  std::size_t still_there() const { return seats_.permits() - seats_.available(); }

 private:
  int note(const std::string& path) { // returns how often it was asked for
    const std::lock_guard lock(mutex_);
    ++requests_;
    if (roost::clock::now() < begin_ + requests_ * period_)
      throw std::runtime_error("429");
    return ++tries_[path];
  }

  roost::semaphore seats_;
  const roost::clock::duration period_;
  const roost::clock::time_point begin_ = roost::clock::now();
  std::mutex mutex_;
  int requests_ = 0;                 // guarded by mutex_, until the tasks have ended
  std::map<std::string, int> tries_; // guarded by mutex_
};
