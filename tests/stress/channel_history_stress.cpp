// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/history.hpp"
#include "support/lockstep.hpp"
#include "support/seed.hpp"
#include "support/wrong_channel.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// What three threads see of a small channel is always something that it could do one after the
// other: there is an order of all their operations that explains it.

using test::fault;
using test::form;
using test::locked_channel;
using test::operation;
using test::outcome;
using test::patience;
using test::random_numbers;

namespace {

constexpr int threads = 3;
constexpr int steps = 4; // of each thread in a round

// --- the channel under test ----------------------------------------------------

outcome send_outcome(roost::channel_status status) {
  switch (status) {
  case roost::channel_status::success:
    return outcome::sent;
  case roost::channel_status::full:
    return outcome::full;
  case roost::channel_status::closed:
    return outcome::send_closed;
  case roost::channel_status::timeout:
    return outcome::timeout;
  default:
    return outcome::no; // no send ends like this
  }
}

void set_received(operation& op, const roost::receive_result<int>& result) {
  op.end = result.status() == roost::channel_status::success   ? outcome::received
           : result.status() == roost::channel_status::empty   ? outcome::empty
           : result.status() == roost::channel_status::closed  ? outcome::receive_closed
           : result.status() == roost::channel_status::timeout ? outcome::timeout
                                                               : outcome::no;
  if (result.has_value() != (op.end == outcome::received))
    op.end = outcome::no;
  op.got = result ? *result : 0;
}

class library_channel {
 public:
  library_channel(std::size_t capacity, std::stop_token stop)
      : ends_(roost::make_channel<int>(capacity)),
        stop_(std::move(stop)) {}

  /// Lives in each thread while its operations run: the stop reaches them.
  roost::stop_when cover() const { return roost::stop_when(stop_); }

  void perform(operation& op, std::chrono::microseconds timeout) const {
    try {
      if (op.what == form::send)
        op.end = send_outcome(send(op, timeout).status());
      else if (op.what == form::receive)
        set_received(op, receive(op, timeout));
      else if (op.what == form::select)
        select(op, timeout);
      else
        op.end = ends_.tx.close() ? outcome::yes : outcome::no;
    } catch (const roost::stopped&) {
      op.end = outcome::stopped;
    }
  }

 private:
  roost::send_result send(const operation& op, std::chrono::microseconds timeout) const {
    return op.how_long == patience::none         ? ends_.tx.try_send(op.item)
           : op.how_long == patience::short_time ? ends_.tx.send_for(op.item, timeout)
                                                 : ends_.tx.send(op.item);
  }

  roost::receive_result<int> receive(const operation& op, std::chrono::microseconds timeout) const {
    return op.how_long == patience::none         ? ends_.rx.try_receive()
           : op.how_long == patience::short_time ? ends_.rx.receive_for(timeout)
                                                 : ends_.rx.receive();
  }

  void select(operation& op, std::chrono::microseconds timeout) const {
    if (op.how_long == patience::none)
      select_with(op, roost::otherwise([&] { op.end = outcome::otherwise; }));
    else if (op.how_long == patience::short_time)
      select_with(op, roost::on_timeout(timeout, [&] { op.end = outcome::timeout; }));
    else
      select_with(op);
  }

  // Two cases in any event: a select on one side stands twice in its line.
  template <class... Last>
  void select_with(operation& op, Last&&... last) const {
    const auto sent = [&](roost::send_result result) { op.end = send_outcome(result.status()); };
    const auto received = [&](roost::receive_result<int> result) { set_received(op, result); };
    const roost::sender<int>& tx = ends_.tx;
    const roost::receiver<int>& rx = ends_.rx;
    if (!op.receives)
      roost::select(
          on_send(tx, op.item, sent), on_send(tx, op.item, sent), std::forward<Last>(last)...);
    else if (!op.sends)
      roost::select(
          on_receive(rx, received), on_receive(rx, received), std::forward<Last>(last)...);
    else
      roost::select(
          on_send(tx, op.item, sent), on_receive(rx, received), std::forward<Last>(last)...);
  }

  roost::channel_ends<int> ends_;
  std::stop_token stop_;
};

// --- rounds --------------------------------------------------------------------

struct planned_step {
  operation what;
  std::chrono::microseconds timeout{};
  int pause = 0;
  bool yields = false;
};

using round_plan = std::array<std::array<planned_step, steps>, threads>;

// Of any kind, and no more patient than `most`.
operation any_operation(random_numbers& random, int item, patience most) {
  const int first = static_cast<int>(most);
  const auto how_long = static_cast<patience>(first + random.below(3 - first));
  const int kind = random.below(75);
  if (kind == 0)
    return operation::close();
  if (kind < 25)
    return operation::send(item, how_long);
  if (kind < 50)
    return operation::receive(how_long);
  const bool receives = !random.one_in(3);
  return operation::select(receives && random.one_in(3) ? 0 : item, receives, how_long);
}

// INVARIANT: every operation ends. One of the threads waits for no other until it closes the
// channel or makes the stop, and after either nothing waits any more.
round_plan any_plan(random_numbers& random) {
  round_plan plan;
  const bool impatient = random.one_in(3); // nothing waits, all meets within a microsecond
  const bool hurried = impatient || random.one_in(2);
  const int ender = random.below(threads);
  const int end = random.one_in(4) ? random.below(steps) : steps - 1;
  for (int thread = 0; thread < threads; ++thread) {
    for (int i = 0; i < steps; ++i) {
      planned_step& step = plan[static_cast<std::size_t>(thread)][static_cast<std::size_t>(i)];
      const int item = thread * steps + i + 1;
      const bool may_wait = thread != ender || i > end;
      step.what = any_operation(random,
                                item,
                                impatient  ? patience::none
                                : may_wait ? patience::endless
                                           : patience::short_time);
      if (thread == ender && i == end)
        step.what = random.one_in(2) ? operation::close() : operation::stop();
      step.timeout = std::chrono::microseconds(random.below(30));
      step.pause = hurried ? 0 : 1 + random.below(random.one_in(4) ? 2000 : 100);
      step.yields = !hurried && random.one_in(3);
    }
  }
  return plan;
}

/// One channel a round, made by make(stop token). Three tasks do the plan of the round in lockstep,
/// and one of them checks what they saw: starting new tasks for each would take longer than all
/// the rest.
template <class Make>
class rounds_of_histories {
 public:
  rounds_of_histories(std::size_t capacity, int count, std::uint64_t stream, Make make)
      : capacity_(capacity),
        left_(count),
        random_(stream),
        make_(std::move(make)) {}

  /// The first objection; empty if there is none in all rounds.
  std::string run() {
    {
      roost::task_scope scope;
      for (int thread = 0; thread < threads; ++thread)
        scope.spawn([this, thread] { run_thread(thread); });
    }
    return objection_;
  }

 private:
  void run_thread(int thread) {
    random_numbers pauses(static_cast<std::uint64_t>(100 + thread));
    for (;;) {
      if (thread == 0)
        begin_round();
      lockstep_.meet();
      if (channel_ == nullptr)
        return;
      run_steps(thread, pauses);
      lockstep_.meet();
      if (thread == 0)
        end_round();
    }
  }

  void run_steps(int thread, random_numbers& pauses) {
    [[maybe_unused]] const auto& cover = channel_->cover();
    line_up();
    for (const planned_step& step : plan_[static_cast<std::size_t>(thread)]) {
      if (step.pause > 0)
        test::dither(pauses, step.pause);
      if (step.yields)
        std::this_thread::yield();
      recorder_.record(thread, step.what, [&](operation& op) {
        if (op.what == form::stop)
          op.end = stop_.request_stop() ? outcome::yes : outcome::no;
        else
          channel_->perform(op, step.timeout);
      });
    }
  }

  // Two at least start at the same moment, if the other one runs at all: a thread that was woken
  // late would find the first one at its end.
  void line_up() {
    ++lined_up_;
    for (int looks = 5000; looks > 0 && lined_up_ < 2; --looks) {
    }
  }

  void begin_round() {
    if (left_-- == 0 || !objection_.empty())
      return;
    plan_ = any_plan(random_);
    recorder_.clear();
    lined_up_ = 0;
    stop_ = std::stop_source();
    channel_ = make_(stop_.get_token());
  }

  // What is left is received, so that nothing gets lost unseen.
  void end_round() {
    bool more = true;
    for (std::size_t i = 0; more && i < capacity_ + 2; ++i) {
      recorder_.record(0, operation::receive(patience::none), [&](operation& op) {
        channel_->perform(op, {});
        more = op.end == outcome::received;
      });
    }
    objection_ = test::objection(capacity_, recorder_.all());
    channel_ = nullptr;
  }

  const std::size_t capacity_;
  test::lockstep lockstep_{threads};
  std::atomic<int> lined_up_{0};
  test::history_recorder recorder_{threads};
  // The first thread's between the rounds, and only read in them:
  int left_;
  random_numbers random_;
  Make make_;
  round_plan plan_;
  std::stop_source stop_;
  decltype(std::declval<Make&>()(std::stop_token())) channel_;
  std::string objection_;
};

std::string first_objection_to(fault with, std::size_t capacity, std::size_t said, int count) {
  return rounds_of_histories(said,
                             count,
                             60,
                             [=](std::stop_token stop) {
                               return std::make_unique<locked_channel>(
                                   capacity, with, std::move(stop));
                             })
      .run();
}

} // namespace

TEST_CASE("some order of their operations explains what three threads see of a channel",
          "[channel][select][stress]") {
  ROOST_TEST_SHOW_SEED();
  const std::size_t capacity = GENERATE(as<std::size_t>(), 0, 1, 2);
  const std::string objection =
      rounds_of_histories(capacity, test::rounds(3000), 50 + capacity, [=](std::stop_token stop) {
        return std::make_unique<library_channel>(capacity, std::move(stop));
      }).run();
  INFO(objection);
  CHECK(objection.empty());
}

TEST_CASE("the check of histories has nothing against a lock around a queue", "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  const std::size_t capacity = GENERATE(as<std::size_t>(), 1, 2);
  const std::string objection =
      first_objection_to(fault::none, capacity, capacity, test::rounds(500));
  INFO(objection);
  CHECK(objection.empty());
}

TEST_CASE("the check of histories finds the fault of each wrong channel", "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  const int number = GENERATE(range(1, static_cast<int>(fault::meets_itself) + 1));
  const auto with = static_cast<fault>(number);
  CAPTURE(number);
  const std::size_t capacity = with == fault::last_in_first_out ? 2 : 1;
  CHECK_FALSE(first_objection_to(with, capacity, capacity, 20000).empty());
}

TEST_CASE("the check of histories finds that a channel without room keeps an item",
          "[channel][stress]") {
  ROOST_TEST_SHOW_SEED();
  CHECK_FALSE(first_objection_to(fault::none, 1, 0, 20000).empty());
}
