// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/report_types.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace roost::inline v0 {

/// Nothing in a root scope could go on any more; thrown by its join(), or by a wait of its owner,
/// where scope_options::on_deadlock is `stop`. what() has the report as text.
class deadlock_error : public std::runtime_error {
 public:
  /// Made by roost, or by a test.
  deadlock_error(const std::string& text, report found)
      : runtime_error(text),
        report_(std::make_shared<const report>(std::move(found))) {}

  /// The scope, its tasks, and what each waited for when it was found.
  const report& what_waits() const noexcept { return *report_; }

 private:
  std::shared_ptr<const report> report_; // shared: exceptions are copied
};

} // namespace roost::inline v0
