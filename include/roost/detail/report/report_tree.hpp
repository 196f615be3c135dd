// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/plain_list.hpp>
#include <roost/detail/report/number_index.hpp>
#include <roost/detail/report/place_lists.hpp>
#include <roost/report_types.hpp>
#include <roost/site.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace roost::inline v0::detail {

/// The order in which a report is shown: scopes hang under the task that made them, or under the
/// scope around. Tasks of one scope that do the same, and have no scopes inside, hold no mutex and
/// run no other task in a wait, are a group: the first of them stands for all.
///
/// Lifetime: it refers to the report. All numbers are places in it.
class report_tree {
 public:
  explicit report_tree(const report& r);

  /// Call `visit(place)` for scopes. Those in a scope do not include those that its tasks have
  /// made.
  template <class Visit>
  void for_each_root(Visit visit) const {
    for_each(in_scope_, report_.scopes.size(), visit);
  }
  template <class Visit>
  void for_each_scope_in_scope(std::size_t scope, Visit visit) const {
    for_each(in_scope_, scope, visit);
  }
  template <class Visit>
  void for_each_scope_in_task(std::size_t task, Visit visit) const {
    for_each(in_task_, task, visit);
  }

  /// Call `visit(place)` for the first task of each group, or for all of a group.
  template <class Visit>
  void for_each_group(std::size_t scope, Visit visit) const {
    for_each(groups_, scope, visit);
  }
  template <class Visit>
  void for_each_in_group(std::size_t first, Visit visit) const {
    for_each(members_, first, visit);
  }
  std::size_t size_of_group(std::size_t first) const noexcept { return sizes_[first]; }

  /// The call that all of a group are blocked in; none if they are not. Where each waits for
  /// something of its own, the detail says so.
  std::optional<blocked_report> call_of_group(std::size_t first) const;

  /// The task of that id; null if it is not in the report.
  const task_report* task(std::uint64_t id) const noexcept;

 private:
  template <class Visit>
  static void for_each(const place_lists& lists, std::size_t list, Visit& visit) {
    for (std::size_t at = lists.first(list); at != place_lists::none; at = lists.next(at))
      visit(at);
  }
  void place_scopes();
  void place_tasks();

  const report& report_;
  number_index tasks_;
  number_index scopes_;
  place_lists in_scope_; // scopes; the last list is that of the roots
  place_lists in_task_;  // scopes
  place_lists groups_;   // of a scope: the first task of each group
  place_lists members_;  // of a group: all of it; the list has the number of the first task
  plain_list<std::size_t> sizes_;
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_COLD_BODY report_tree::report_tree(const report& r)
    : report_(r),
      in_scope_(r.scopes.size() + 1, r.scopes.size()),
      in_task_(r.tasks.size(), r.scopes.size()),
      groups_(r.scopes.size(), r.tasks.size()),
      members_(r.tasks.size(), r.tasks.size()),
      sizes_(r.tasks.size(), 0) {
  for (std::size_t i = 0; i < r.tasks.size(); ++i)
    tasks_.add(r.tasks[i].id, i);
  for (std::size_t i = 0; i < r.scopes.size(); ++i)
    scopes_.add(r.scopes[i].id, i);
  place_scopes();
  place_tasks();
}

ROOST_COLD_BODY const task_report* report_tree::task(std::uint64_t id) const noexcept {
  const std::size_t place = tasks_.find(id);
  return place != number_index::none ? &report_.tasks[place] : nullptr;
}

/// True if a task that waits for `o` may be one of those that wait for one of `others`. Of an
/// object that was in use at that moment only the kind is known.
ROOST_COLD_BODY bool is_among(const object_report& o, const std::vector<object_report>& others) {
  if (o.id == 0 && o.detail.empty())
    return true;
  for (const object_report& other : others) {
    const bool is_known = other.id != 0 || !other.detail.empty();
    const bool may_be_it = o.id != 0 ? o.id == other.id : o.detail == other.detail;
    if (o.kind == other.kind && (may_be_it || !is_known))
      return true;
  }
  return false;
}

ROOST_COLD_BODY std::optional<blocked_report> report_tree::call_of_group(std::size_t first) const {
  std::optional<blocked_report> call = report_.tasks[first].blocked;
  for (std::size_t i = 0; call && i < call->waits_for.size(); ++i) {
    object_report& all = call->waits_for[i];
    bool is_one = true;
    bool have_one_detail = true;
    for_each_in_group(first, [&](std::size_t task) {
      const std::vector<object_report>& theirs = report_.tasks[task].blocked->waits_for;
      is_one = is_one && is_among(all, theirs);
      have_one_detail =
          have_one_detail && theirs[i].kind == all.kind && theirs[i].detail == all.detail;
    });
    if (is_one)
      continue;
    all.id = 0;
    all.task = 0;
    all.peer.reset();
    const bool is_descriptor = all.kind == "descriptor"; // "wait_readable of its own descriptor"
    const std::string detail = have_one_detail ? "; " + all.detail : "";
    all.detail = "each its own" + detail;
    if (call->waits_for.size() == 1)
      call->detail = is_descriptor ? "its own descriptor" : all.detail;
  }
  return call;
}

ROOST_COLD_BODY void report_tree::place_scopes() {
  constexpr std::size_t none = number_index::none;
  for (std::size_t i = 0; i < report_.scopes.size(); ++i) {
    const std::size_t task = tasks_.find(report_.scopes[i].parent_task);
    const std::size_t scope = scopes_.find(report_.scopes[i].parent_scope);
    if (task != none)
      in_task_.add(task, i);
    else
      in_scope_.add(scope != none && scope < i ? scope : report_.scopes.size(), i);
  }
}

ROOST_COLD_BODY bool same_place(const site& a, const site& b) noexcept {
  return a.line == b.line && std::string_view(a.file) == b.file;
}

/// True if the two do the same, perhaps each with an object of its own.
ROOST_COLD_BODY bool are_alike(const task_report& a, const task_report& b) noexcept {
  if (a.scope != b.scope || a.state != b.state || a.name != b.name ||
      !same_place(a.spawned, b.spawned) || a.blocked.has_value() != b.blocked.has_value())
    return false;
  return !a.blocked ||
         (a.blocked->operation == b.blocked->operation && a.blocked->object == b.blocked->object &&
          a.blocked->waits_for.size() == b.blocked->waits_for.size() &&
          same_place(a.blocked->where, b.blocked->where));
}

/// The same number for those that do the same (FNV-1a).
ROOST_COLD_BODY std::uint64_t number_of_kind(const task_report& t) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;
  const auto mix_number = [&hash](std::uint64_t n) { hash = (hash ^ n) * 0x100000001b3U; };
  const auto mix = [&](std::string_view text) {
    for (const char c : text)
      mix_number(static_cast<unsigned char>(c));
    mix_number(text.size());
  };
  mix_number(t.scope);
  mix_number(static_cast<std::uint64_t>(t.state));
  mix_number(t.spawned.line);
  mix(t.name);
  if (t.blocked) {
    mix(t.blocked->operation);
    mix(t.blocked->object);
    mix_number(t.blocked->waits_for.size());
    mix_number(t.blocked->where.line);
  }
  return hash;
}

ROOST_COLD_BODY void report_tree::place_tasks() {
  number_index kinds; // the first task of each group
  for (std::size_t i = 0; i < report_.tasks.size(); ++i) {
    const task_report& t = report_.tasks[i];
    const std::size_t scope = scopes_.find(t.scope);
    if (scope == number_index::none)
      continue;
    std::size_t first = i;
    const bool is_single = t.blocked && (!t.blocked->holds.empty() || t.blocked->runs != 0);
    if (in_task_.first(i) == place_lists::none && !is_single) {
      // Two kinds may have one number: then the next number is tried.
      for (std::uint64_t kind = number_of_kind(t);; ++kind) {
        first = kinds.add(kind, i);
        if (are_alike(report_.tasks[first], t))
          break;
      }
    }
    if (first == i)
      groups_.add(scope, i);
    members_.add(first, i);
    ++sizes_[first];
  }
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
