// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

struct no_such_page : std::runtime_error { // to ask again is of no use
  using std::runtime_error::runtime_error;
};

/// Answers from several threads. Some paths are answered badly, late, or never.
class fake_server {
 public:
  std::string get(const std::string& path) {
    const int tries = note(path);
    const leaving on_exit{at_once_};
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

  std::size_t requests() const { return times_.size(); }
  int most_at_once() const { return most_; }
  int still_there() const { return at_once_; }

  /// How many requests have come before their tick, if the first is due at `first`.
  int too_early(roost::clock::time_point first, roost::clock::duration period) const {
    int count = 0;
    auto due = first;
    for (const auto time : times_) {
      count += time < due ? 1 : 0;
      due += period;
    }
    return count;
  }

 private:
  struct leaving {
    std::atomic<int>& count;
    ~leaving() { --count; }
  };

  int note(const std::string& path) {
    const std::lock_guard lock(mutex_);
    times_.push_back(roost::clock::now());
    most_ = std::max(most_, ++at_once_);
    return ++tries_[path];
  }

  std::mutex mutex_;
  std::vector<roost::clock::time_point> times_; // guarded by mutex_, as the next two
  std::map<std::string, int> tries_;
  int most_ = 0;
  std::atomic<int> at_once_ = 0;
};
