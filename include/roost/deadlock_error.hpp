// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/counted.hpp>
#include <roost/report_types.hpp>

#include <stdexcept>
#include <string>
#include <utility>

namespace roost::inline v0 {

namespace detail {

/// A report that copies of an exception share: to copy them must not throw.
struct kept_report final : counted_object {
  explicit kept_report(report&& what) noexcept : found(std::move(what)) {}
  const report found;
};

} // namespace detail

/// Thrown where nothing in a root scope could go on any more, by its join() or by a wait of its
/// owner, if scope_options::on_deadlock is `stop`; and by testing::bubble(). what() has the report
/// as text.
class deadlock_error : public std::runtime_error {
 public:
  /// Made by roost, or by a test.
  deadlock_error(const std::string& text, report found)
      : runtime_error(text),
        found_(detail::make_counted<detail::kept_report>(std::move(found))) {}

  /// The scope, its tasks, and what each waited for when the deadlock was found.
  const report& what_waits() const noexcept { return found_->found; }

 private:
  detail::counted_ptr<const detail::kept_report> found_;
};

} // namespace roost::inline v0
