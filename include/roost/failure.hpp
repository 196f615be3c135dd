// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/site.hpp>

#include <atomic>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace roost::inline v0 {

/// An exception that escaped a task, with the task's name and the line that spawned it.
struct failure {
  std::exception_ptr error; ///< what was thrown
  std::string task;         ///< the task's name; empty if it has none
  site where;               ///< the line that spawned it
};

/// All failures of a scope whose policy is on_error::collect, in the order they happened; thrown
/// even for a single one, so that the type to catch depends on the policy and not on the count.
class exception_list : public std::exception {
 public:
  /// Of these, in this order.
  explicit exception_list(std::vector<failure> failures);

  /// All of them; a list that roost throws has at least one.
  const std::vector<failure>& failures() const noexcept { return contents_->failures; }
  /// How many there are, and what each of them says.
  const char* what() const noexcept override { return contents_->what.c_str(); }

 private:
  struct contents final : detail::counted_object {
    std::vector<failure> failures;
    std::string what;
  };
  detail::counted_ptr<contents>
      contents_; // constant; shared: copies of an exception must not throw
};

/// Called with each failure that was not thrown to the scope's owner, not given to on_failure, and
/// not read through failures(). This happens when the scope ends by another exception, or by
/// std::bad_alloc because there is no memory for an exception_list, and to all but the first
/// failure of a fail_fast scope. The hook runs on the thread that ends the scope; for a second
/// failure of one task, for what on_failure throws, and in a background_scope without on_failure,
/// on the failing task's thread. An exception that leaves the hook ends the program.
using unobserved_failure_hook = void (*)(const failure&);

/// Replaces the hook of the whole process and returns the previous one, as std::set_terminate does.
/// A null pointer restores the default, which prints one line to stderr. Any thread may call it.
unobserved_failure_hook set_unobserved_failure_hook(unobserved_failure_hook hook) noexcept;

// --- implementation ---------------------------------------------------------

namespace detail {

/// Calls `use(text)` with what an exception says of itself.
template <class Use>
auto with_message_of(const std::exception_ptr& error, Use use) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    const char* const message = e.what();
    return use(message != nullptr ? message : "an exception without a message");
  } catch (...) {
    return use("an exception that is not a std::exception");
  }
}

std::string message_of(const std::exception_ptr& error);
void print_unobserved(const failure& f) noexcept;

// seq_cst, the default: set once in a while, read at failures
[[gnu::visibility("default")]] inline constinit sync::atomic<unobserved_failure_hook>
    unobserved_hook{&print_unobserved};

} // namespace detail

#if ROOST_HAS_BODIES

namespace detail {

ROOST_COLD_BODY std::string message_of(const std::exception_ptr& error) {
  return with_message_of(error, [](const char* text) { return std::string(text); });
}

// Allocates nothing: a failure may be that there is no memory.
ROOST_COLD_BODY void print_unobserved(const failure& f) noexcept {
  const char* const quote = f.task.empty() ? "" : "\"";
  with_message_of(f.error, [&](const char* text) {
    std::fprintf(stderr,
                 "roost: task %s%s%s, spawned at %s:%zu, failed and nobody took its exception: %s; "
                 "take it by failures() or on_failure\n",
                 quote,
                 f.task.empty() ? "(unnamed)" : f.task.c_str(),
                 quote,
                 f.where.file,
                 f.where.line,
                 text);
  });
}

} // namespace detail

ROOST_COLD_BODY exception_list::exception_list(std::vector<failure> failures) {
  contents_ = detail::make_counted<contents>();
  std::string& what = contents_->what;
  detail::append(what, {detail::count_of(failures.size(), "task"), " failed"});
  for (const failure& f : failures) {
    detail::append(what,
                   {&f == failures.data() ? ": " : "; ",
                    detail::in_quotes(f.task),
                    ": ",
                    detail::message_of(f.error)});
  }
  contents_->failures.swap(failures);
}

ROOST_COLD_BODY unobserved_failure_hook
set_unobserved_failure_hook(unobserved_failure_hook hook) noexcept {
  return detail::unobserved_hook.exchange(hook != nullptr ? hook : &detail::print_unobserved);
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0
