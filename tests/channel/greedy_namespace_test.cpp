// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/testing.hpp>

#include "support/all_ways.hpp"
#include "support/catch.hpp"

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// Functions in the namespace of a user's type are the user's: roost calls none of them, whatever
// their names are.

namespace app {

struct job {
  int number;
};

void make_room(std::vector<job>& jobs, std::size_t) {
  jobs.clear();
}

/// Small and trivial: it is copied under the lock of a broadcast.
struct reading {
  int number;
  static inline int swaps = 0;
  friend void swap(reading&, reading&) noexcept { ++swaps; }
};

} // namespace app

namespace greedy {

// Names of functions that roost has inside. Those that are called with parameters of templates have
// the very parameters of roost's: others would be the worse match.
template <class Callable>
void call_as_task(Callable&&) = delete;
template <class Callable>
void call_bubble_body(Callable&, roost::task_scope&) = delete;
template <class Iterator, class Visit>
void for_each_in_block(Iterator, Visit) = delete;
template <class T, class... Arguments>
void make_counted(Arguments&&...) = delete;
template <class T>
void make_room(std::vector<T>&, std::size_t) = delete;
template <class Range, class Work>
void run_workers(Range&, const roost::parallel_options&, const roost::site&, const Work&) = delete;
template <class T, class Send>
void send_outgoing(T&, Send) = delete;
template <class T>
void take_ended(roost::task_handle<T>&) = delete;
template <class T>
void take_value(roost::task_handle<T>&) = delete;
#define ROOST_TEST_GREEDY(name)                                                                    \
  template <class... Anything>                                                                     \
  void name(Anything&&...) = delete
ROOST_TEST_GREEDY(describe_if_free);
ROOST_TEST_GREEDY(happen);
ROOST_TEST_GREEDY(holds_up);
ROOST_TEST_GREEDY(if_free);
ROOST_TEST_GREEDY(note_unwinding);
ROOST_TEST_GREEDY(runs_inside);
ROOST_TEST_GREEDY(select_among);
ROOST_TEST_GREEDY(status_or_stop);
ROOST_TEST_GREEDY(throw_got_before);
ROOST_TEST_GREEDY(throw_waits_for_itself);
ROOST_TEST_GREEDY(wait_for_one);
// Names that are also outside.
ROOST_TEST_GREEDY(bubble);
ROOST_TEST_GREEDY(explore);
ROOST_TEST_GREEDY(on_deadline);
ROOST_TEST_GREEDY(replay);
ROOST_TEST_GREEDY(with_scope);
// Names of the standard's.
ROOST_TEST_GREEDY(addressof);
ROOST_TEST_GREEDY(advance);
ROOST_TEST_GREEDY(begin);
ROOST_TEST_GREEDY(construct_at);
ROOST_TEST_GREEDY(data);
ROOST_TEST_GREEDY(destroy_at);
ROOST_TEST_GREEDY(end);
ROOST_TEST_GREEDY(exchange);
ROOST_TEST_GREEDY(forward);
ROOST_TEST_GREEDY(get);
ROOST_TEST_GREEDY(invoke);
ROOST_TEST_GREEDY(move);
ROOST_TEST_GREEDY(next);
ROOST_TEST_GREEDY(size);
template <class T>
void swap(T&, T&) = delete;
template <class A, class B>
void operator,(A&&, B&&) = delete;
template <class A, class B>
bool operator==(const A&, const B&) = delete;
template <class A, class B>
bool operator&&(A&&, B&&) = delete;
template <class A, class B>
bool operator||(A&&, B&&) = delete;
#undef ROOST_TEST_GREEDY

struct small {
  int number = 0;
};

struct boxed {
  int number = 0;
  std::string text = "in a box";
};

struct manners {};

struct body {
  int& calls;
  void operator()() const { ++calls; }
};

struct scope_body {
  int operator()(roost::task_scope&) const { return 4; }
};

} // namespace greedy

TEST_CASE("receive_some keeps the items of a namespace that has a make_room", "[channel]") {
  auto [tx, rx] = roost::make_channel<app::job>(4);
  REQUIRE(tx.send_all(std::vector<app::job>{{1}, {2}}) == 2);
  std::vector<app::job> jobs{{7}};
  REQUIRE(rx.receive_some(jobs, 4) == 2);
  REQUIRE(jobs.size() == 3);
  CHECK(jobs[0].number == 7);
  CHECK(jobs[1].number == 1);
  CHECK(jobs[2].number == 2);
}

TEST_CASE("a broadcast calls no swap of its items", "[broadcast]") {
  const roost::broadcast<app::reading> tx(1, roost::overflow::drop_oldest);
  const auto rx = tx.subscribe();
  for (int i = 0; i < 3; ++i)
    REQUIRE(tx.send(app::reading{i}));
  CHECK(rx.receive()->number == 2);
  CHECK(app::reading::swaps == 0);
}

TEMPLATE_TEST_CASE("types of a namespace whose functions take anything go every way",
                   "[channel]",
                   greedy::small,
                   greedy::boxed) {
  test::check_all_ways<TestType, test::calls<TestType, greedy::manners>>();
}

TEST_CASE("ends and handles of such types are closed and misused as others", "[channel]") {
  auto [tx, rx] = roost::make_channel<greedy::boxed>(1);
  CHECK(rx.close());
  roost::task_scope scope;
  auto handle = scope.spawn(test::calls<greedy::boxed, greedy::manners>::task(1));
  CHECK(handle.get().number == 1);
  CHECK_THROWS_AS(handle.get(), std::logic_error);
}

TEST_CASE("callables of such a namespace run in scopes and in bubbles", "[scope]") {
  int runs = 0;
  CHECK(roost::with_scope(greedy::scope_body()) == 4);
  CHECK(roost::testing::bubble(greedy::scope_body()) == 4);
  roost::testing::bubble(greedy::body{runs});
  CHECK(runs == 1);
  roost::testing::explore(greedy::body{runs});
  const int explored = runs;
  CHECK(explored > 1);
  roost::testing::replay(greedy::body{runs}, "turn-1000");
  CHECK(runs == explored + 1);
}
