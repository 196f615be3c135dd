// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/report/snapshot.hpp>
#include <roost/detail/report/text.hpp>
#include <roost/detail/scope/tree_notes.hpp>
#include <roost/detail/sync/start_thread.hpp>
#include <roost/detail/sync/thread_list.hpp>
#include <roost/detail/sync/thread_state.hpp>
#include <roost/report.hpp>
#include <roost/site.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace roost::inline v0::detail {

/// What the process has at one moment, and what it has more than at an earlier one.
///
/// A thread of roost is not told by itself, but by what keeps it: the task that it runs, or the
/// scope. A scope that was there before may have new idle threads, or its first timekeeper; they
/// end with the scope.
class leak_search {
 public:
  leak_search();

  /// The tasks, scopes and threads that there are now and were not there then, as lines of text;
  /// empty if there are none.
  std::string left_since(const site& then) const;

 private:
  static std::vector<std::uint64_t> threads_outside_of_roost();
  bool had(std::uint64_t id) const { return std::binary_search(ids_.begin(), ids_.end(), id); }
  report new_ones() const;
  std::vector<std::uint64_t> new_threads() const;

  std::vector<std::uint64_t> ids_;     // of scopes and tasks; sorted
  std::vector<std::uint64_t> threads_; // that are not roost's; sorted
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

/// When the first thread is made, ThreadSanitizer adds one of its own: so one must be made before.
/// It is in no bubble: there it would be a step of the first run of an exploration only.
ROOST_COLD_BODY void make_first_thread() {
  static const bool is_made = [] {
    start_thread([](void*) {}, nullptr, nullptr).join();
    return true;
  }();
  (void)is_made;
}

ROOST_COLD_BODY leak_search::leak_search() {
  make_first_thread();
  const report now = report_all();
  for (const scope_report& s : now.scopes)
    ids_.push_back(s.id);
  for (const task_report& t : now.tasks)
    ids_.push_back(t.id);
  std::sort(ids_.begin(), ids_.end());
  threads_ = threads_outside_of_roost();
}

ROOST_COLD_BODY std::vector<std::uint64_t> leak_search::threads_outside_of_roost() {
  std::vector<std::uint64_t> threads = sync::all_threads();
  std::sort(threads.begin(), threads.end());
  tree_notes notes;
  notes.wants_threads = true;
  notes.take_all();
  for (const std::uint64_t of_roost : notes.threads) {
    const auto place = std::lower_bound(threads.begin(), threads.end(), of_roost);
    if (place != threads.end() && *place == of_roost)
      threads.erase(place);
  }
  return threads;
}

// Includes scopes that were there before, if they have new tasks.
ROOST_COLD_BODY report leak_search::new_ones() const {
  report now = report_all();
  const auto is_old = [this](const auto& one) { return had(one.id); };
  now.tasks.erase(std::remove_if(now.tasks.begin(), now.tasks.end(), is_old), now.tasks.end());
  const auto is_of_no_use = [&](const scope_report& s) {
    return had(s.id) && std::none_of(now.tasks.begin(), now.tasks.end(), [&](const task_report& t) {
             return t.scope == s.id;
           });
  };
  now.scopes.erase(std::remove_if(now.scopes.begin(), now.scopes.end(), is_of_no_use),
                   now.scopes.end());
  return now;
}

ROOST_COLD_BODY std::vector<std::uint64_t> leak_search::new_threads() const {
  std::vector<std::uint64_t> now = threads_outside_of_roost();
  std::vector<std::uint64_t> found;
  std::set_difference(
      now.begin(), now.end(), threads_.begin(), threads_.end(), std::back_inserter(found));
  return found;
}

ROOST_COLD_BODY std::string leak_search::left_since(const site& then) const {
  const report left = new_ones();
  const std::vector<std::uint64_t> threads = new_threads();
  const auto new_scopes = static_cast<std::size_t>(
      std::count_if(left.scopes.begin(), left.scopes.end(), [this](const scope_report& s) {
        return !had(s.id);
      }));
  if (left.tasks.empty() && new_scopes == 0 && threads.empty())
    return {};
  const auto with_comma = [](std::size_t count) { return count != 0 ? ", " : ""; };
  std::string text = joined({"roost: left since ", then, ": "});
  if (!left.tasks.empty())
    append(text, {count_of(left.tasks.size(), "task"), with_comma(new_scopes + threads.size())});
  if (new_scopes != 0)
    append(text, {count_of(new_scopes, "scope"), with_comma(threads.size())});
  if (!threads.empty())
    append(text, {count_of(threads.size(), "thread")});
  text += '\n';
  if (!left.scopes.empty())
    text += to_text(left);
  for (const std::uint64_t t : threads) {
    const std::string name = sync::thread_name(t);
    const std::string_view state = sync::thread_state(t);
    append(text, {"thread ", t, ", ", in_quotes(name), state.empty() ? "" : ", ", state});
    text += ": not one of roost; a std::thread that is not joined, or a library's\n";
  }
  return text;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
