// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/scope/task.hpp>
#include <roost/detail/select/select_case.hpp>
#include <roost/site.hpp>
#include <roost/task_handle.hpp>

#include <utility>

namespace roost::inline v0 {

/// A case of a select: the task has ended, and get() does not wait.
template <class R, class F = detail::no_handler>
auto on_done(const task_handle<R>& handle, F handler = {}, site where = site::current());

// --- implementation ---------------------------------------------------------

namespace detail {

/// Keeps the task: a selector's case may outlast the handle.
class is_done {
 public:
  explicit is_done(task& t) noexcept : task_(t) { task_.retain(); }
  is_done(const is_done& other) noexcept : is_done(other.task_) {}
  is_done(is_done&& other) noexcept : is_done(other.task_) {}
  is_done& operator=(const is_done&) = delete;
  is_done& operator=(is_done&&) = delete;
  ~is_done() { task_.release(); }

  bool operator()() const noexcept { return task_.has_ended(); }
  void describe(object_note& note) const noexcept { describe_task(task_, note); }

 private:
  task& task_;
};

} // namespace detail

template <class R, class F>
auto on_done(const task_handle<R>& handle, F handler, site where) {
  detail::check_plain_handler<F>();
  detail::task& t = detail::handle_access::task(handle, where);
  return detail::queue_case<detail::is_done, F>(
      t.waiters(), detail::is_done(t), std::move(handler), where);
}

} // namespace roost::inline v0
