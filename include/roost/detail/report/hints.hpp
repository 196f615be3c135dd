// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/report/number_index.hpp>
#include <roost/report_types.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

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

  /// Appends the lines of them, each with its end.
  void append_to(std::string& text);

 private:
  void add(std::string& text, const blocked_report& call);
  bool owner_joins() const noexcept;

  static constexpr std::size_t most_channels = 4; // as many as people read

  const report& report_;
  number_index channels_; // the ids of those that have a hint
};

ROOST_COLD_BODY void report_hints::append_to(std::string& text) {
  for (const scope_report& s : report_.scopes) {
    if (s.owner)
      add(text, *s.owner);
  }
  for (const task_report& t : report_.tasks) {
    if (t.blocked)
      add(text, *t.blocked);
  }
  if (owner_joins() && !report_.tasks.empty() && report_.deadlocks.empty()) {
    text += "  hint: if tasks are to wait until a stop, the scope needs one: .exit = "
            "roost::on_exit::stop, or request_stop()\n";
  }
}

// A waiter at a channel tells how many ends the other side has, "0/4, 1 sender": without any, it
// would not wait.
ROOST_COLD_BODY void report_hints::add(std::string& text, const blocked_report& call) {
  for (const object_report& o : call.waits_for) {
    const std::size_t comma = o.detail.rfind(", ");
    if (o.kind != "channel" || comma == std::string::npos || channels_.size() == most_channels ||
        channels_.find(o.id) != number_index::none)
      continue;
    channels_.add(o.id, 0);
    const std::string_view ends = std::string_view(o.detail).substr(comma + 2);
    const bool is_one = ends.starts_with("1 ");
    const bool receives = ends.find("sender") != std::string_view::npos;
    text += "  hint: channel ";
    if (o.name.empty())
      append(text, {"at ", call.where});
    else
      append(text, {in_quotes(o.name)});
    append(text, {" stays open, as ", ends, is_one ? " is" : " are", " left: close() it, or let "});
    append(text, {is_one ? "it" : "them", " go, once all is ", receives ? "sent\n" : "received\n"});
  }
}

// A join waits for no object.
ROOST_COLD_BODY bool report_hints::owner_joins() const noexcept {
  const std::optional<blocked_report>& owner = report_.scopes.front().owner;
  return owner && owner->waits_for.empty();
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
