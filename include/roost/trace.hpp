// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/requirements.hpp>

#if defined(min) || defined(max)
#error "roost/trace.hpp cannot be compiled with a macro max(): define NOMINMAX for <windows.h>"
#elif ROOST_IS_SUPPORTED

#if defined(_MSC_VER)
#pragma warning(push)
#pragma warning(disable : 4324 5030) // as in roost.hpp
#endif

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/throw_misuse.hpp>
#include <roost/detail/trace/chrome.hpp>
#include <roost/detail/trace/svg.hpp>
#include <roost/detail/trace/timeline.hpp>
#include <roost/detail/trace/timeline_maker.hpp>
#include <roost/detail/trace/trace_log.hpp>
#include <roost/report.hpp>

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>

namespace roost::inline v0 {

/// Records what all tasks of the process do while it lives, and draws it: when each began, what
/// spawned it and how it ended, in which calls it slept, for how long, and which task woke it;
/// blocking_regions, scopes, stops and failures.
///
/// ```cpp
/// roost::trace_recorder recorder;
/// { run_the_program(); }                            // scopes, tasks, channels
/// std::ofstream svg("trace.svg");
/// recorder.write_svg(svg);                          // for a browser
/// std::ofstream json("trace.json");
/// recorder.write_chrome(json);                      // for ui.perfetto.dev, chrome://tracing
/// ```
///
/// It is not part of roost.hpp: include <roost/trace.hpp> where it is made. There may be several at
/// a time; each records everything from its construction on. What was there before is shown as if
/// it had begun then. Names and messages are cut off after 45 bytes, or just before them where
/// those end within a character of UTF-8.
///
/// For what a bubble of roost::testing does, make it in the body of the bubble, and stop() it
/// there: each has times of its own. What is later than the end of the record is left out; and if
/// it goes on, so is what is not earlier than the moment at which it is written.
///
/// Memory: 144 bytes for each of `most_entries` entries, allocated at the start, so that no task
/// waits for the system to give it later. A task takes three entries, a sleep two. A recorder that
/// is full keeps what it has up to the first gap, and both formats say how many entries are
/// missing, and from when on.
///
/// Threads: several may call its functions at a time, except stop() and the destructor, during
/// which no other call may run. Tasks go on meanwhile: what is written is what there was at the
/// call, and what is not over is shown as open. The recorder may be destroyed while tasks run:
/// nothing refers to it afterwards. Errors: std::bad_alloc, and std::invalid_argument for no entry
/// at all. Cancellation: none, it never waits for tasks.
///
/// Cost: some 100 ns per entry, half of it to read the clock, on the thread that does what is
/// recorded; the construction takes some milliseconds for 100000 entries. Without a recorder, one
/// load where a task is spawned, begins or ends, where a thread goes to sleep, and where a waiter
/// is woken; a call that need not wait pays nothing in either case.
class trace_recorder {
 public:
  /// How many entries it has room for unless told otherwise.
  static constexpr std::size_t usual_entries = 100'000;

  /// Begins to record.
  explicit trace_recorder(std::size_t most_entries = usual_entries);
  trace_recorder(const trace_recorder&) = delete;
  trace_recorder& operator=(const trace_recorder&) = delete;
  /// Ends the record.
  ~trace_recorder() = default;

  /// Ends the recording; what is recorded can still be written. A second call changes nothing.
  void stop() noexcept { log_.end(); }

  /// Trace events as Chrome and Perfetto read them: each task is a thread there, with its waits
  /// inside; arrows lead from each spawn to its task, and from what wakes a waiter to the waiter.
  /// See detail/trace/chrome.hpp.
  void write_chrome(std::ostream& out) const;

  /// A picture that needs no other file: a lane for each task, or, where there are many, for
  /// several tasks one after another. The item under the pointer shows its name, times, line and
  /// waker.
  void write_svg(std::ostream& out) const;

  /// How many entries have found no room so far.
  std::uint64_t dropped() const noexcept { return log_.dropped(); }

 private:
  detail::timeline make_timeline() const;

  detail::trace_log log_;
  report before_; // what was there when it began
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

namespace detail {

ROOST_COLD_BODY std::size_t checked_entries(std::size_t most) {
  if (most == 0) {
    throw_invalid_argument("roost::trace_recorder: 0 entries would record nothing; leave "
                           "the number out for the usual");
  }
  return most;
}

} // namespace detail

ROOST_COLD_BODY trace_recorder::trace_recorder(std::size_t most_entries)
    : log_(detail::checked_entries(most_entries)),
      before_(report_all()) {}

ROOST_COLD_BODY detail::timeline trace_recorder::make_timeline() const {
  const detail::trace_entries entries = log_.so_far();
  return detail::timeline_maker(entries, before_).make();
}

ROOST_COLD_BODY void trace_recorder::write_chrome(std::ostream& out) const {
  const detail::timeline t = make_timeline();
  detail::chrome_writer(out, t).write();
}

ROOST_COLD_BODY void trace_recorder::write_svg(std::ostream& out) const {
  const detail::timeline t = make_timeline();
  detail::svg_writer(out, t).write();
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0

#if defined(_MSC_VER)
#pragma warning(pop)
#endif

#endif // ROOST_IS_SUPPORTED
