// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/stop/context.hpp>
#include <roost/detail/stop/stop_domain.hpp>
#include <roost/detail/stop/tree_ptr.hpp>
#include <roost/detail/stop/uncaught_stop.hpp>
#include <roost/detail/wait/activity.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/detail/wait/observer.hpp>
#include <roost/detail/wait/tally.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/stop.hpp>

#include <cstdint>
#include <exception>
#include <optional>
#include <utility>

// Where a thread blocks so that a stop finds it, and what it throws once it is stopped.

namespace roost::inline v0::detail {

[[gnu::always_inline]] inline bool this_thread_is_stopped() noexcept {
  return this_thread.top != nullptr && this_thread.top->domain().stop_requested();
}

/// Throws if the calling thread was asked to stop. The shortest paths begin with it, because they
/// may need no wait. In a bubble they never go through at once; the longer path that they call
/// instead begins with sync::at_call().
[[gnu::always_inline]] inline void throw_if_stopped_already() {
  if (this_thread_is_stopped())
    this_thread.top->raise();
}

/// The same, and counts a call that may block; see thread_slot::waits. Every blocking operation
/// begins with this function or with throw_if_stopped_already(); after the latter it counts itself
/// once it needs a wait. `object` is what the operation is about, if that is known.
[[gnu::always_inline]] inline void throw_if_stopped(const void* object = nullptr) {
  sync::at_call(object);
  ++this_thread.waits;
  throw_if_stopped_already();
}

/// What the scopes around the calling thread share; null outside of scopes.
tree_ptr tree_around() noexcept;

/// The number of the task that runs on the calling thread; 0 if none does.
std::uint64_t task_id_around() noexcept;

/// How block() ended. `missed_stop`: a stop has come that could not find the record, and so
/// whatever has ended the wait may be an effect of that stop.
struct blocked_end {
  wait_state how;
  bool missed_stop;
};

/// Blocks the calling thread until `record` has ended, the thread is asked to stop, or `deadline`
/// has come. Reports ask `what` for what the thread waits for.
blocked_end block(wait_record& record,
                  const blocked_call& call,
                  clock::time_point deadline,
                  const awaited* what = nullptr) noexcept;

/// While it lives, the calling thread sleeps in `record`. The sleep is counted, and observers are
/// told of it.
class sleep_shown {
 public:
  sleep_shown(const wait_record& record, const blocked_call& call) noexcept : record_(record) {
    count(counted::slept);
    if (is_observed()) [[unlikely]]
      tell_begin(call);
  }
  ~sleep_shown() {
    count(counted::woken);
    if (is_observed()) [[unlikely]]
      tell_end();
  }
  sleep_shown(const sleep_shown&) = delete;
  sleep_shown& operator=(const sleep_shown&) = delete;

 private:
  static void tell_begin(const blocked_call& call) noexcept;
  void tell_end() const noexcept;

  const wait_record& record_;
};

/// As record.await(), for a thread that no stop finds; but the sleep is counted, and observers are
/// told of it.
wait_state
await_shown(wait_record& record, const blocked_call& call, clock::time_point deadline) noexcept;

/// While it lives, the calling thread looks as if it had just started, even inside a wait: for code
/// of the program that runs there. A stop that comes meanwhile ends the wait afterwards. The code
/// may wake threads, so the thread counts as awake.
class wait_set_aside {
 public:
  ROOST_COLD_BODY wait_set_aside() noexcept;
  ROOST_COLD_BODY ~wait_set_aside();
  wait_set_aside(const wait_set_aside&) = delete;
  wait_set_aside& operator=(const wait_set_aside&) = delete;

 private:
  static activity* counted_out_of(const thread_slot::publication& wait) noexcept;

  stop_domain* const root_ = std::exchange(this_thread.root, nullptr);
  const bool missed_stop_ = this_thread.missed_stop;
  const thread_slot::publication hidden_ = this_thread.hide();
  activity* const counted_in_ = counted_out_of(hidden_);      // null: it has stayed counted
  std::optional<contexts_set_aside> contexts_{std::in_place}; // empty once the wait is shown again
};

/// The tokens of the stop_whens around the calling thread; null if there are none.
counted_ptr<const token_state> tokens_around() noexcept;

/// The exception for a wait of the calling thread that `cause` ends.
stopped make_stopped(counted_ptr<const kept_cause> cause) noexcept;

/// Throws for a wait that ended as wait_state::stopped.
[[noreturn]] inline void raise_stop() {
  this_thread.top->raise();
  std::terminate(); // not reached: compilers do not see that a virtual function never returns
}

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_BODY std::uint64_t task_id_around() noexcept {
  std::uint64_t id = 0;
  for (const context* c = this_thread.top; c != nullptr && id == 0; c = c->outer())
    id = c->task_id();
  return id;
}

ROOST_BODY void sleep_shown::tell_begin(const blocked_call& call) noexcept {
  tell({.kind = sighting_kind::sleep_begin,
        .text = call.object,
        .operation = call.operation,
        .where = call.where});
}

ROOST_BODY void sleep_shown::tell_end() const noexcept {
  tell({.kind = sighting_kind::sleep_end,
        .how = static_cast<std::uint8_t>(record_.outcome()),
        .wake = record_.woken()});
}

ROOST_BODY wait_state await_shown(wait_record& record,
                                  const blocked_call& call,
                                  clock::time_point deadline) noexcept {
  if (record.await_shortly())
    return record.await(no_deadline); // it has ended
  const sleep_shown shown(record, call);
  return record.await(deadline, call.meanwhile);
}

ROOST_BODY blocked_end block(wait_record& record,
                             const blocked_call& call,
                             clock::time_point deadline,
                             const awaited* what) noexcept {
  context* const top = this_thread.top;
  if (top == nullptr)
    return {await_shown(record, call, deadline), false}; // a plain thread: no stop reaches it
  if (deadline == no_deadline)
    record.count_in(activity_here);
  this_thread.publish(&record, call, deadline, what);
  this_thread.missed_stop = top->domain().stop_requested();
  if (this_thread.missed_stop && record.try_claim())
    record.complete(wait_state::stopped);
  wait_state end = wait_state::waiting;
  if (record.await_shortly()) {
    end = record.await(no_deadline); // it has ended
  } else {
    this_thread.sleeps(task_id_around());
    const sleep_shown shown(record, call);
    end = top->sleep(record, deadline, call.meanwhile);
  }
  this_thread.withdraw();
  return {end, this_thread.missed_stop};
}

// As in block(): the thread publishes the record first, and then looks for a stop.
ROOST_COLD_BODY wait_set_aside::~wait_set_aside() {
  contexts_.reset();
  this_thread.root = root_;
  this_thread.show_again(hidden_);
  this_thread.missed_stop = missed_stop_;
  if (hidden_.record != nullptr && this_thread_is_stopped()) {
    this_thread.missed_stop = true;
    if (hidden_.record->try_claim())
      hidden_.record->complete(wait_state::stopped);
  }
  if (counted_in_ != nullptr)
    counted_in_->one_less();
}

ROOST_COLD_BODY wait_set_aside::wait_set_aside() noexcept {
  if (counted_in_ != nullptr)
    counted_in_->one_more();
  activity_here = nullptr; // until contexts_ goes
}

// Not activity_here: the thread may join a scope of another tree.
ROOST_COLD_BODY activity*
wait_set_aside::counted_out_of(const thread_slot::publication& wait) noexcept {
  const wait_record* const record = wait.record != nullptr ? wait.record : wait.joins_by;
  return record != nullptr ? record->counted_in() : nullptr;
}

ROOST_BODY tree_ptr tree_around() noexcept {
  for (const context* c = this_thread.top; c != nullptr; c = c->outer()) {
    const tree_ptr& shared = c->shared();
    if (!shared)
      continue;
    // What is made in a task and uses this tree ends before the task, whose scope keeps the tree.
    return this_thread.task != nullptr ? shared.borrowed() : shared;
  }
  return {};
}

ROOST_BODY counted_ptr<const token_state> tokens_around() noexcept {
  counted_ptr<const token_state> tokens;
  for (const context* c = this_thread.top; c != nullptr && !tokens; c = c->outer())
    tokens = c->tokens();
  return tokens;
}

ROOST_BODY stopped make_stopped(counted_ptr<const kept_cause> cause) noexcept {
  ++this_thread.waits; // what is thrown later may be due to it; see stop/unwinding.hpp
  explain_uncaught_stops();
  return stopped(std::move(cause), tokens_around());
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
