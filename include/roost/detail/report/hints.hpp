// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/line_of.hpp>
#include <roost/detail/report/words.hpp>
#include <roost/report_types.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// What helps where nothing in a scope can go on, as far as its report tells:
//
//     hint: channel "jobs" stays open, as 1 sender is left: close() it, or let it go, once all is
//         sent
//     hint: if tasks are to wait until a stop, the scope needs one: .exit = roost::on_exit::stop,
//         or request_stop()
//
// (each of them in one line). The first is the most frequent cause: an end that its holder has
// forgotten. A report cannot say which thread holds an end, and whether a task waits for a stop by
// intention; so these are hints.

namespace roost::inline v0::detail {

#if ROOST_HAS_BODIES

class report_hints {
 public:
  explicit report_hints(const report& r) : report_(r) {}

  /// The lines of them, each with its end.
  std::vector<std::string> lines();

 private:
  void add(const blocked_report& call);
  bool owner_joins() const noexcept;

  static constexpr std::size_t most_channels = 4; // as many as people read

  const report& report_;
  std::vector<std::uint64_t> channels_; // that have a hint
  std::vector<std::string> lines_;
};

ROOST_COLD_BODY std::vector<std::string> report_hints::lines() {
  for (const scope_report& s : report_.scopes) {
    if (s.owner)
      add(*s.owner);
  }
  for (const task_report& t : report_.tasks) {
    if (t.blocked)
      add(*t.blocked);
  }
  if (owner_joins() && !report_.tasks.empty() && report_.deadlocks.empty()) {
    lines_.emplace_back("hint: if tasks are to wait until a stop, the scope needs one: .exit = "
                        "roost::on_exit::stop, or request_stop()\n");
  }
  return std::move(lines_);
}

// A waiter at a channel tells how many ends the other side has, "0/4, 1 sender": without any, it
// would not wait.
ROOST_COLD_BODY void report_hints::add(const blocked_report& call) {
  for (const object_report& o : call.waits_for) {
    const std::size_t comma = o.detail.rfind(", ");
    const bool is_known = std::find(channels_.begin(), channels_.end(), o.id) != channels_.end();
    if (o.kind != "channel" || comma == std::string::npos || is_known ||
        channels_.size() == most_channels)
      continue;
    channels_.push_back(o.id);
    const std::string ends = o.detail.substr(comma + 2);
    const bool is_one = ends.starts_with("1 ");
    const bool receives = ends.find("sender") != std::string::npos;
    std::string line = "hint: channel ";
    line += o.name.empty() ? "at " + line_of(call.where) : in_quotes(o.name);
    line += " stays open, as " + ends + (is_one ? " is" : " are") + " left: close() it, or let ";
    line += is_one ? "it" : "them";
    line += receives ? " go, once all is sent\n" : " go, once all is received\n";
    lines_.push_back(std::move(line));
  }
}

// A join waits for no object.
ROOST_COLD_BODY bool report_hints::owner_joins() const noexcept {
  const std::optional<blocked_report>& owner = report_.scopes.front().owner;
  return owner && owner->waits_for.empty();
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
