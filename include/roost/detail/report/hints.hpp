// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/base/plain_list.hpp>
#include <roost/detail/report/number_index.hpp>
#include <roost/report_types.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

// What helps where nothing in a scope can go on, as far as its report tells:
//
//     hint: "producer" waits in sender::send at load.cpp:9 while it holds mutex "cache", for which
//         others wait: let it unlock that first
//     hint: the barrier at step.cpp:7 waits for 3, and scope "steps" runs at most 2 tasks at once:
//         raise its .limit
//     hint: scope "pool" runs at most 2 tasks at once, so 1 is queued: if those that run wait for
//         it, raise .limit
//     hint: channel "jobs" stays open, as 1 sender is left: close() it, or let it go, once all is
//         sent
//     hint: if tasks are to wait until a stop, the scope needs one: .exit = roost::on_exit::stop,
//         or request_stop()
//
// (each of them in one line). A report cannot say which thread holds an end, whether a task waits
// for a stop by intention, or what a queued one would do; so these are hints. None is given of a
// call that another one explains: that of a thread which holds what others wait for.

namespace roost::inline v0::detail {

#if ROOST_HAS_BODIES

class report_hints {
 public:
  explicit report_hints(const report& r);

  /// Appends the lines of them, each with its end.
  void append_to(std::string& text) const;

  /// Those alone that tell of tasks which do not start because of a limit: where others may go on.
  void append_of_limits_to(std::string& text) const;

 private:
  /// A thread that is blocked.
  struct party {
    const blocked_report* call = nullptr;
    std::string_view name;
    std::uint64_t scope = 0; // the task's, or the owner's
    bool is_task = false;
    bool holds_what_is_wanted = false;
  };

  void add(const std::optional<blocked_report>& call, party p);
  const held_report* wanted_of(const blocked_report& call) const noexcept;
  static void add_mutex(std::string& text, const party& p, const held_report& wanted);
  void add_limit(std::string& text, const scope_report& s, const party* waiter) const;
  const party* at_barrier_beyond(const scope_report& s) const noexcept;
  void add_channels(std::string& text) const;
  bool are_to_be_stopped() const noexcept;

  static constexpr std::size_t most_of_a_kind = 4; // as many as people read

  const report& report_;
  plain_list<party> parties_;
  number_index wanted_; // the ids of the mutexes that somebody waits for
};

/// For how many a thread waits at a barrier, "2 of 3 arrived"; 0 if it waits at none.
ROOST_COLD_BODY std::size_t parties_of_barrier(const blocked_report& call) noexcept {
  for (const object_report& o : call.waits_for) {
    const std::size_t of = o.kind == "barrier" ? o.detail.find(" of ") : std::string::npos;
    if (of != std::string::npos)
      return std::strtoul(o.detail.c_str() + of + 4, nullptr, 10);
  }
  return 0;
}

ROOST_COLD_BODY report_hints::report_hints(const report& r) : report_(r) {
  parties_.reserve(r.scopes.size() + r.tasks.size());
  for (const scope_report& s : r.scopes)
    add(s.owner, {nullptr, s.name, s.id, false, false});
  for (const task_report& t : r.tasks)
    add(t.blocked, {nullptr, t.name, t.scope, true, false});
  for (party& p : parties_)
    p.holds_what_is_wanted = wanted_of(*p.call) != nullptr;
}

ROOST_COLD_BODY void report_hints::add(const std::optional<blocked_report>& call, party p) {
  if (!call)
    return;
  p.call = &*call;
  parties_.push_back(p);
  for (const object_report& o : call->waits_for) {
    if (o.kind == "mutex")
      wanted_.add(o.id, 0);
  }
}

ROOST_COLD_BODY void report_hints::append_to(std::string& text) const {
  number_index told; // an owner of several scopes is several parties
  for (const party& p : parties_) {
    const held_report* const wanted = wanted_of(*p.call);
    // A thread that waits for a mutex waits for another of these: mutex::lock throws in a circle.
    if (wanted != nullptr && p.call->operation != "mutex::lock" && told.size() < most_of_a_kind &&
        told.find(wanted->id) == number_index::none) {
      told.add(wanted->id, 0);
      add_mutex(text, p, *wanted);
    }
  }
  append_of_limits_to(text);
  add_channels(text);
  if (are_to_be_stopped()) {
    text += "  hint: if tasks are to wait until a stop, the scope needs one: .exit = "
            "roost::on_exit::stop, or request_stop()\n";
  }
}

ROOST_COLD_BODY void report_hints::append_of_limits_to(std::string& text) const {
  std::size_t count = 0;
  for (const scope_report& s : report_.scopes) {
    const party* const waiter = s.running >= s.limit ? at_barrier_beyond(s) : nullptr;
    const bool keeps_some_waiting = waiter != nullptr || (s.running >= s.limit && s.queued != 0);
    if (keeps_some_waiting && count++ < most_of_a_kind)
      add_limit(text, s, waiter);
  }
}

/// The first mutex that the thread of the call holds and another one waits for; or null.
ROOST_COLD_BODY const held_report*
report_hints::wanted_of(const blocked_report& call) const noexcept {
  for (const held_report& h : call.holds) {
    if (wanted_.find(h.id) != number_index::none)
      return &h;
  }
  return nullptr;
}

ROOST_COLD_BODY void
report_hints::add_mutex(std::string& text, const party& p, const held_report& wanted) {
  append(text, {"  hint: ", p.is_task ? "" : "the owner of scope ", in_quotes(p.name)});
  append(text, {" waits in ", p.call->operation, " at ", p.call->where, " while it holds mutex "});
  append(text, {in_quotes(wanted.name), ", for which others wait: let it unlock that first\n"});
}

ROOST_COLD_BODY void
report_hints::add_limit(std::string& text, const scope_report& s, const party* waiter) const {
  text += "  hint: ";
  if (waiter != nullptr) {
    append(text, {"the barrier at ", waiter->call->where, " waits for "});
    append(text, {parties_of_barrier(*waiter->call), ", and "});
  }
  append(text, {"scope ", in_quotes(s.name), " runs at most ", count_of(s.limit, "task")});
  text += " at once";
  if (waiter != nullptr) {
    text += ": raise its .limit\n";
    return;
  }
  const bool is_one = s.queued == 1;
  append(text,
         {", so ", s.queued, is_one ? " is" : " are", " queued: if those that run wait for "});
  append(text, {is_one ? "it" : "them", ", raise .limit\n"});
}

/// A task of the scope that waits at a barrier for more threads than the scope runs; or null.
ROOST_COLD_BODY const report_hints::party*
report_hints::at_barrier_beyond(const scope_report& s) const noexcept {
  for (const party& p : parties_) {
    if (p.is_task && p.scope == s.id && parties_of_barrier(*p.call) > s.limit)
      return &p;
  }
  return nullptr;
}

// A waiter at a channel tells how many ends the other side has, "0/4, 1 sender": without any, it
// would not wait.
ROOST_COLD_BODY void report_hints::add_channels(std::string& text) const {
  number_index told;
  for (const party& p : parties_) {
    if (p.holds_what_is_wanted)
      continue;
    for (const object_report& o : p.call->waits_for) {
      const std::size_t comma = o.detail.rfind(", ");
      if (o.kind != "channel" || comma == std::string::npos || told.size() == most_of_a_kind ||
          told.find(o.id) != number_index::none)
        continue;
      told.add(o.id, 0);
      const std::string_view ends = std::string_view(o.detail).substr(comma + 2);
      const bool is_one = ends.starts_with("1 ");
      const bool receives = ends.find("sender") != std::string_view::npos;
      std::string hint = "  hint: channel ";
      if (o.name.empty())
        append(hint, {"at ", p.call->where});
      else
        append(hint, {in_quotes(o.name)});
      append(hint,
             {" stays open, as ", ends, is_one ? " is" : " are", " left: close() it, or let "});
      append(hint,
             {is_one ? "it" : "them", " go, once all is ", receives ? "sent\n" : "received\n"});
      if (text.find(hint) == std::string::npos) // many tasks may have a channel each
        text += hint;
    }
  }
}

/// True if a task may wait until a stop by intention, as one that serves others does, while the
/// owner joins. Such a task waits for something new, and for nothing that others hold or owe.
ROOST_COLD_BODY bool report_hints::are_to_be_stopped() const noexcept {
  const std::optional<blocked_report>& owner = report_.scopes.front().owner;
  const bool joins = owner && owner->waits_for.empty(); // a join waits for no object
  bool found = false;
  for (const party& p : parties_) {
    if (!joins || !p.is_task || p.holds_what_is_wanted)
      continue;
    for (const object_report& o : p.call->waits_for)
      found = found || o.kind == "channel" || o.kind == "broadcast" || o.kind == "event";
  }
  return found && report_.deadlocks.empty();
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
