// SPDX-License-Identifier: BSL-1.0
// The shapes of leaks that are found in programs with channels. Run with the name of one.
#include <roost.hpp>

#include "support/at_exit.hpp"
#include "support/errors.hpp"
#include "support/gate.hpp"
#include "support/leak_rows.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

using namespace std::chrono_literals;
using test::at_line;
using test::expect;
using test::expect_silence;
using test::expect_told;
using test::standstill_of;
using test::told_texts;
using test::verdict;
using test::watched;

namespace {

const std::string closes_it = " left: close() it, or let it go, once all is ";

// --- S1: the receiver returns early ------------------------------------------------------------

void s1_the_owner_keeps_the_receiver() {
  auto results = roost::make_channel<int>(0, "results");
  const told_texts told([&] { results.rx.close(); });
  roost::task_scope scope(watched({.name = "query"}));
  const unsigned sends = __LINE__ + 1;
  scope.spawn("worker", [tx = std::move(results.tx)] { (void)tx.send(1); });
  const unsigned joins = __LINE__ + 1;
  scope.join();
  expect_told(told,
              standstill_of("query"),
              {"in task_scope::join on \"query\" at " + at_line(joins),
               "\"worker\" #",
               "in sender::send on \"results\" (capacity 0, 1 receiver) at " + at_line(sends),
               "hint: channel \"results\" stays open, as 1 receiver is" + closes_it + "received"});
}

void s1_the_receiver_goes() {
  const told_texts told;
  auto results = roost::make_channel<int>(0, "results");
  roost::channel_status status{};
  {
    roost::task_scope scope(watched({}));
    scope.spawn([tx = std::move(results.tx), &status] { status = tx.send(1).status(); });
    const auto goes = std::move(results.rx);
  }
  expect(status == roost::channel_status::closed, "the sender is told");
  expect_silence(told);
}

// --- S2: the caller gave up, and the worker still sends ------------------------------------------

void s2_the_worker_ignores_the_stop() {
  test::gate deaf;
  const told_texts told([&] { deaf.open(); });
  roost::task_scope scope(watched({.name = "ask"}));
  const unsigned spawned = __LINE__ + 1;
  scope.spawn("worker", [&] { deaf.pass(); });
  deaf.wait_for_arrivals(1); // or the stop drops it
  scope.request_stop("the caller gave up");
  scope.join();
  expect_told(told,
              "STOP-IGNORED: scope \"ask\" was asked to stop ",
              {" ago, and still has 1 task\n",
               "stopped ",
               "(requested: the caller gave up)",
               "\"worker\" #",
               "spawned at " + at_line(spawned),
               ": outside roost, thread "});
}

void s2_the_timeout_joins_the_worker() {
  const told_texts told;
  auto results = roost::make_channel<int>(0, "results"); // kept alive by the caller
  std::string worker_ends_by = "it has not begun";
  const std::string thrown = test::thrown_by([&] {
    roost::with_scope({.timeout = 1ms, .stall_after = 1h}, [&](roost::task_scope& scope) {
      scope.spawn([&] {
        worker_ends_by = test::thrown_by([&] { (void)results.tx.send(1); });
        roost::this_task::checkpoint();
      });
    });
  });
  expect(worker_ends_by == "stopped" || worker_ends_by == "it has not begun",
         "its send is woken, and it is joined: " + worker_ends_by);
  expect(thrown.find("deadline") != std::string::npos, "the caller gets the timeout: " + thrown);
  expect_silence(told);
}

// --- S3: the first answer is taken, and the others are left
// ----------------------------------------

void s3_the_first_answer_by_hand() {
  auto answers = roost::make_channel<int>(0, "answers");
  const told_texts told([&] { answers.rx.close(); });
  roost::task_scope scope(watched({.name = "mirrors"}));
  const unsigned sends = __LINE__ + 2;
  for (int i = 0; i < 3; ++i)
    scope.spawn("mirror", [tx = answers.tx, i] { (void)tx.send(i); });
  expect(answers.rx.receive().has_value(), "the first answer");
  scope.join();
  expect_told(told,
              standstill_of("mirrors"),
              {"\"mirror\" x2 #",
               "in sender::send on \"answers\" (capacity 0, 1 receiver) at " + at_line(sends),
               "hint: channel \"answers\""});
}

void s3_the_first_answer_by_when_any() {
  const told_texts told;
  roost::event never;
  std::atomic<int> losers{0};
  const auto loser = [&] {
    try {
      never.wait();
    } catch (...) {
      ++losers;
      throw;
    }
    return 0;
  };
  roost::task_scope scope(watched({}));
  const auto first = roost::when_any(
      loser, [] { return 7; }, loser);
  expect(first.index() == 1, "the one that has an answer");
  expect(losers <= 2, "the losers that began are stopped and joined");
  scope.join();
  expect_silence(told);
}

// --- S4: two sends where one is received --------------------------------------------------------

void worker_of_s4(const roost::sender<int>& tx) {
  (void)tx.send(1);
  (void)tx.send(2); // the line below counts on it
}
constexpr unsigned second_send = __LINE__ - 2;

void s4_the_receiver_is_kept() {
  auto results = roost::make_channel<int>(0, "results");
  const told_texts told([&] { results.rx.close(); });
  roost::task_scope scope(watched({.name = "call"}));
  scope.spawn("worker", [tx = std::move(results.tx)] { worker_of_s4(tx); });
  expect(results.rx.receive().has_value(), "the first is received");
  scope.join();
  expect_told(told,
              standstill_of("call"),
              {"in sender::send on \"results\" (capacity 0, 1 receiver) at " + at_line(second_send),
               "hint: channel \"results\""});
}

void s4_the_receiver_goes_with_its_function() {
  const told_texts told;
  roost::task_scope scope(watched({}));
  const auto first_of = [&] {
    auto results = roost::make_channel<int>(0, "results");
    scope.spawn([tx = std::move(results.tx)] { worker_of_s4(tx); });
    return *results.rx.receive();
  };
  expect(first_of() == 1, "the first is received");
  scope.join();
  expect_silence(told);
}

// --- S5: a loop over a channel that nobody closes
// ---------------------------------------------------

void s5_the_worker_holds_a_sender_itself() {
  auto jobs = roost::make_channel<int>(4, "jobs");
  const roost::weak_sender<int> for_the_rescue(jobs.tx);
  const told_texts told([&] {
    if (const auto tx = for_the_rescue.lock())
      tx->close();
  });
  int sum = 0;
  roost::task_scope scope(watched({.name = "pool"}));
  const unsigned receives = __LINE__ + 2;
  scope.spawn("worker", [rx = std::move(jobs.rx), tx = jobs.tx, &sum] {
    for (const int job : rx)
      sum += job;
  });
  (void)jobs.tx.send(1);
  { const auto goes = std::move(jobs.tx); }
  scope.join();
  expect(sum == 1, "what was sent is received");
  expect_told(told,
              standstill_of("pool"),
              {"\"worker\" #",
               "in receiver::receive on \"jobs\" (0/4, 1 sender) at " + at_line(receives),
               "hint: channel \"jobs\" stays open, as 1 sender is" + closes_it + "sent"});
}

void s5_the_last_sender_goes() {
  const told_texts told;
  auto jobs = roost::make_channel<int>(4, "jobs");
  int sum = 0;
  roost::task_scope scope(watched({}));
  scope.spawn([rx = std::move(jobs.rx), &sum] {
    for (const int job : rx)
      sum += job;
  });
  (void)jobs.tx.send(1);
  { const auto goes = std::move(jobs.tx); }
  scope.join();
  expect(sum == 1, "the loop has ended by itself");
  expect_silence(told);
}

// --- S6: a service that nobody stops
// -----------------------------------------------------------------

void serve(const roost::receiver<int>& commands, roost::event& reload) {
  for (;;)
    roost::select(roost::on_receive(commands, [](const roost::receive_result<int>&) {}),
                  roost::on_set(reload, [] {}));
}
constexpr unsigned selects = __LINE__ - 3;

void s6_a_scope_that_joins_a_service() {
  auto commands = roost::make_channel<int>(0, "commands");
  roost::event reload;
  test::gate elsewhere;
  const std::jthread of_the_program([&] { elsewhere.pass(); }); // it might wake the service
  const test::at_exit ends_it([&] { elsewhere.open(); });
  roost::task_scope scope(watched({.name = "app"}));
  const told_texts told([&] { scope.request_stop(); });
  scope.spawn("service", [&] { serve(commands.rx, reload); });
  scope.join(); // a stop ends it quietly
  expect_told(told,
              "IDLE-UNTIL-STOP: nothing in scope \"app\" goes on by itself",
              {"\"service\" #",
               "in select (2 cases) at " + at_line(selects),
               "channel on \"commands\" (capacity 0, 1 sender)",
               "event (not set)",
               "hint: if tasks are to wait until a stop, the scope needs one: .exit = "
               "roost::on_exit::stop, or request_stop()\n"});
}

void s6_a_service_that_ends_with_its_object() {
  const told_texts told;
  auto commands = roost::make_channel<int>(0, "commands");
  roost::event reload;
  {
    roost::background_scope of_an_object({.stall_after = 1h});
    of_an_object.spawn([&] { serve(commands.rx, reload); });
    roost::task_scope scope({.exit = roost::on_exit::stop, .stall_after = 1h});
    scope.spawn([&] { serve(commands.rx, reload); });
    test::wait_until_blocked(of_an_object, 1);
    test::wait_until_blocked(scope, 1);
  } // no line stops them
  expect_silence(told);
}

// --- S7: no partner at all
// --------------------------------------------------------------------------------

void s7_both_ends_are_kept_by_one_thread() {
  auto orders = roost::make_channel<int>(0, "orders");
  const told_texts told([&] { orders.tx.close(); });
  roost::task_scope scope(watched({.name = "shop"}));
  scope.spawn([] {}).get(); // with the first thread ThreadSanitizer starts its own
  const unsigned receives = __LINE__ + 1;
  expect(!orders.rx.receive(), "the rescue closes it");
  expect_told(told,
              standstill_of("shop"),
              {"owner: blocked ",
               "in receiver::receive on \"orders\" (capacity 0, 1 sender) at " + at_line(receives),
               "hint: channel \"orders\" stays open, as 1 sender is" + closes_it + "sent"});
}

void s7_a_partner_that_is_gone_closes_it() {
  const told_texts told;
  roost::task_scope scope(watched({}));
  auto unfed = roost::make_channel<int>();
  { const auto goes = std::move(unfed.tx); }
  expect(unfed.rx.receive().status() == roost::channel_status::closed, "no sender is left");
  auto unread = roost::make_channel<int>();
  { const auto goes = std::move(unread.rx); }
  expect(unread.tx.send(1).status() == roost::channel_status::closed, "no receiver is left");
  expect_silence(told);
}

constexpr test::leak_row rows[] = {
    {"S1", s1_the_owner_keeps_the_receiver, s1_the_receiver_goes, verdict::deadlock},
    {"S2", s2_the_worker_ignores_the_stop, s2_the_timeout_joins_the_worker},
    {"S3", s3_the_first_answer_by_hand, s3_the_first_answer_by_when_any, verdict::deadlock},
    {"S4", s4_the_receiver_is_kept, s4_the_receiver_goes_with_its_function, verdict::deadlock},
    {"S5", s5_the_worker_holds_a_sender_itself, s5_the_last_sender_goes, verdict::deadlock},
    {"S6",
     s6_a_scope_that_joins_a_service,
     s6_a_service_that_ends_with_its_object,
     verdict::deadlock},
    {"S7",
     s7_both_ends_are_kept_by_one_thread,
     s7_a_partner_that_is_gone_closes_it,
     verdict::deadlock},
};

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main(int argc, char** argv) {
  return test::run_leak_row(rows, argc, argv);
}
