// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/report/number_index.hpp>
#include <roost/report_types.hpp>
#include <roost/site.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace roost::inline v0::detail {

/// Tasks of one scope that are shown as one: they do the same, and have no scopes inside.
struct task_group {
  std::vector<std::size_t> tasks; // places in report::tasks; not empty
};

/// The order in which a report is shown: scopes hang under the task that made them, or under the
/// scope around.
///
/// Lifetime: it refers to the report.
class report_tree {
 public:
  explicit report_tree(const report& r);

  static constexpr std::size_t none = number_index::none;

  // Places in report::scopes.
  const std::vector<std::size_t>& roots() const noexcept { return roots_; }
  const std::vector<std::size_t>& scopes_in_scope(std::size_t scope) const noexcept {
    return in_scope_[scope];
  }
  const std::vector<std::size_t>& scopes_in_task(std::size_t task) const noexcept {
    return in_task_[task];
  }

  const std::vector<task_group>& groups(std::size_t scope) const noexcept { return groups_[scope]; }

  /// The task of that id; null if it is not in the report.
  const task_report* task(std::uint64_t id) const noexcept;

 private:
  void place_scopes();
  void place_tasks();

  const report& report_;
  number_index tasks_;
  number_index scopes_;
  std::vector<std::size_t> roots_;
  std::vector<std::vector<std::size_t>> in_scope_;
  std::vector<std::vector<std::size_t>> in_task_;
  std::vector<std::vector<task_group>> groups_; // of each scope
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_BODY report_tree::report_tree(const report& r)
    : report_(r),
      in_scope_(r.scopes.size()),
      in_task_(r.tasks.size()),
      groups_(r.scopes.size()) {
  for (std::size_t i = 0; i < r.tasks.size(); ++i)
    tasks_.add(r.tasks[i].id, i);
  for (std::size_t i = 0; i < r.scopes.size(); ++i)
    scopes_.add(r.scopes[i].id, i);
  place_scopes();
  place_tasks();
}

ROOST_BODY const task_report* report_tree::task(std::uint64_t id) const noexcept {
  const std::size_t place = tasks_.find(id);
  return place != none ? &report_.tasks[place] : nullptr;
}

ROOST_BODY void report_tree::place_scopes() {
  for (std::size_t i = 0; i < report_.scopes.size(); ++i) {
    const std::size_t task = tasks_.find(report_.scopes[i].parent_task);
    const std::size_t scope = scopes_.find(report_.scopes[i].parent_scope);
    if (task != none)
      in_task_[task].push_back(i);
    else if (scope != none && scope < i)
      in_scope_[scope].push_back(i);
    else
      roots_.push_back(i);
  }
}

ROOST_BODY bool same_place(const site& a, const site& b) noexcept {
  return a.line == b.line && std::string_view(a.file) == b.file;
}

/// True if the two do the same.
ROOST_BODY bool are_alike(const task_report& a, const task_report& b) noexcept {
  if (a.scope != b.scope || a.state != b.state || a.name != b.name ||
      !same_place(a.spawned, b.spawned) || a.blocked.has_value() != b.blocked.has_value())
    return false;
  return !a.blocked ||
         (a.blocked->operation == b.blocked->operation && a.blocked->object == b.blocked->object &&
          same_place(a.blocked->where, b.blocked->where));
}

/// The same number for those that do the same (FNV-1a).
ROOST_BODY std::uint64_t number_of_kind(const task_report& t) noexcept {
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
    mix_number(t.blocked->where.line);
  }
  return hash;
}

ROOST_BODY void report_tree::place_tasks() {
  number_index kinds; // places in the groups of the task's scope
  for (std::size_t i = 0; i < report_.tasks.size(); ++i) {
    const task_report& t = report_.tasks[i];
    const std::size_t scope = scopes_.find(t.scope);
    if (scope == none)
      continue;
    std::vector<task_group>& groups = groups_[scope];
    std::size_t place = groups.size();
    if (in_task_[i].empty()) {
      // Two kinds may have one number: then the next number is tried.
      for (std::uint64_t kind = number_of_kind(t);; ++kind) {
        place = kinds.add(kind, groups.size());
        if (place >= groups.size() || are_alike(report_.tasks[groups[place].tasks.front()], t))
          break;
      }
    }
    if (place >= groups.size())
      groups.emplace_back();
    groups[place].tasks.push_back(i);
  }
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
