// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include "support/probe.hpp"

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

/// The texts that the sink was given while it lives. Each calls `then`, on the thread that waits.
class told_texts {
 public:
  explicit told_texts(std::function<void()> then = [] {}) {
    texts().clear();
    action() = std::move(then);
    roost::set_report_sink([](std::string_view text) {
      {
        const std::lock_guard guard(mutex());
        texts().emplace_back(text);
      }
      action()();
    });
  }
  told_texts(const told_texts&) = delete;
  told_texts& operator=(const told_texts&) = delete;
  ~told_texts() { roost::set_report_sink(nullptr); }

  std::vector<std::string> all() const {
    const std::lock_guard guard(mutex());
    return texts();
  }
  void wait_for(std::size_t count) const {
    test::wait_until([&] { return all().size() >= count; });
  }

 private:
  static std::mutex& mutex() {
    static std::mutex m;
    return m;
  }
  static std::vector<std::string>& texts() {
    static std::vector<std::string> all;
    return all;
  }
  static std::function<void()>& action() {
    static std::function<void()> then;
    return then;
  }
};

} // namespace test
