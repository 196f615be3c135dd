// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace tree_search {

/// What a task found: the walker and the searchers send it to main, and only main prints. A file's
/// lines travel together (in parts if they are very many), so their order is kept.
struct report {
  std::string lines;    // for standard output, whole lines
  std::string messages; // for standard error, whole lines
  bool matched = false; // a file has ended with at least one match

  bool empty() const { return lines.empty() && messages.empty() && !matched; }
};

/// Collects what one task finds and sends it to main.
///
/// What to notice: main owns the report, which is declared before the scope. A stop makes send()
/// throw and leaves the report where it is; after the join main prints the reports that were not
/// sent. So a stop loses no line.
class reporter {
 public:
  reporter(report& unsent, roost::sender<report> to_main)
      : unsent_(unsent),
        to_main_(std::move(to_main)) {}

  std::string& lines() { return unsent_.lines; }
  void file_matched() { unsent_.matched = true; }

  /// A path that could not be read: the search goes on, the exit code will be 2.
  void complain(std::string_view path, std::string_view what) {
    // NOLINTNEXTLINE(clang-analyzer-cplusplus.Move): send() puts back what it does not take
    unsent_.messages.append("tree_search: ").append(path).append(": ").append(what).append("\n");
  }
  void complain(std::string_view path, int error_number) {
    complain(path, std::generic_category().message(error_number));
  }

  /// Sends the report, unless it is empty. Throws roost::stopped. Main receives for as long as this
  /// task lives; if it did not, the report would stay here.
  void hand_over() {
    if (unsent_.empty() || !to_main_.send(std::move(unsent_)))
      return;
    unsent_ = {};
    last_time_ = roost::clock::now();
  }

  /// Sends it if it is large or late: a message wakes main, and that costs more than most files.
  void hand_over_if_due() {
    constexpr std::size_t large = std::size_t{32} * 1024;
    constexpr std::chrono::milliseconds late(20);
    if (unsent_.lines.size() >= large || roost::clock::now() - last_time_ >= late)
      hand_over();
  }

 private:
  report& unsent_;
  roost::sender<report> to_main_;
  roost::clock::time_point last_time_ = roost::clock::now();
};

} // namespace tree_search
