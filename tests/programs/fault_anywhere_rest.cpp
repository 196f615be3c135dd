// SPDX-License-Identifier: BSL-1.0
// Each allocation and each creation of a thread fails in turn, on whatever thread, in what the
// other programs of this name leave out: an exception comes out or it goes well, what failed is
// told, nothing is lost, and all of it works as before.
#include <roost.hpp>

#include "support/expect.hpp"
#include "support/faults.hpp"
#include "support/probe.hpp"
#include "support/tracked.hpp"

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

using namespace std::chrono_literals;
using roost::on_deadline;
using roost::on_send;
using roost::on_set;
using test::attack;
using test::expect;
using test::expect_refusal_or_nothing;
using test::expect_usable;
using test::item_counts;
using test::long_name;
using test::tracked_item;

namespace {

constexpr int many = 5;

// --- scopes ----------------------------------------------------------------------------

std::atomic<int> told{0};

struct boom {};

void tell(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const boom&) {
    ++told;
  } catch (...) {
    expect(test::is_refusal(error), "only what was refused fails");
  }
}

void background_scopes() {
  told = 0;
  std::atomic<int> ran{0};
  std::atomic<int> thrown{0};
  int spawned = 0;
  roost::event never;
  const auto captured = std::make_shared<int>();
  const std::exception_ptr error = attack([&] {
    roost::background_scope tasks({.name = long_name});
    tasks.spawn([&, captured] { never.wait(); }); // the end stops it
    for (int i = 0; i < 2; ++i) {
      tasks.spawn(long_name, [&, captured] { ++ran; }).get();
      ++spawned;
      auto fails = tasks.spawn(long_name, [&, captured] {
        ++thrown;
        throw boom();
      });
      (void)fails.wait_for(1h);
    }
  });
  expect_refusal_or_nothing(error);
  expect(ran == spawned || ran == spawned + 1, "what was got ran");
  expect(told == thrown, "each failure is told");
  expect(captured.use_count() == 1, "all callables are destroyed");
}

void tasks_of_an_object() {
  told = 0;
  std::atomic<int> ran{0};
  std::atomic<int> handled{0};
  int spawned = 0;
  roost::background_scope tasks({.limit = 2, .on_failure = [&](const roost::failure& f) {
                                   const std::string copy(long_name); // it may fail as well
                                   handled += test::is_refusal(f.error) ? 0 : 1;
                                 }});
  std::atomic<int> thrown{0};
  const std::exception_ptr error = attack([&] {
    for (; spawned < 4; ++spawned) {
      tasks.spawn(long_name, [&, fails = spawned % 2 == 0] {
        if (fails) {
          ++thrown;
          throw boom();
        }
        ++ran;
      });
    }
    (void)tasks.wait_for(1h);
  });
  expect_refusal_or_nothing(error);
  expect_usable(tasks);
  try {
    tasks.join();
  } catch (const roost::exception_list& all) {
    for (const roost::failure& f : all.failures())
      tell(f.error);
  } catch (...) {
    tell(std::current_exception());
  }
  expect(ran + thrown <= spawned, "nothing runs that was not spawned");
  expect(handled + told == thrown, "each failure is handled or told");
}

std::atomic<int> begun{0};

void note_begin(std::string_view task) {
  const std::string copy(task);
  begun += copy == long_name ? 1 : 0;
}

// What the hook throws is the failure of its task.
void hooks_of_threads() {
  begun = 0;
  std::atomic<int> ran{0};
  int spawned = 0;
  roost::task_scope scope({.errors = roost::on_error::collect, .thread_started = &note_begin});
  const std::exception_ptr error = attack([&] {
    for (; spawned < 3; ++spawned) {
      scope.spawn(long_name, [&] { ++ran; });
    }
    (void)scope.wait_for(1h);
  });
  expect_refusal_or_nothing(error);
  expect_usable(scope);
  (void)scope.wait_for(1h);
  const auto failures = scope.failures();
  expect(ran == begun, "no task runs without its hook");
  expect(ran + static_cast<int>(failures.size()) == spawned, "each task runs or has failed");
  for (const roost::failure& f : failures)
    expect_refusal_or_nothing(f.error);
  try {
    scope.join();
    expect(failures.empty(), "the owner gets the failures");
  } catch (const roost::exception_list&) {
  }
}

// --- channels that drop ----------------------------------------------------------------

/// Sends, while a task receives until the channel is closed. Each item is received, in order, or in
/// the channel, or dropped: the oldest, or the newest, which stays in its variable.
template <roost::overflow What>
void channels_that_drop() {
  item_counts counts;
  std::atomic<int> taken{0};
  std::atomic<int> received{0};
  std::atomic<int> last{-1};
  const auto receive = [&](const tracked_item& item) {
    expect(item.value() > last, "the items come in order");
    last = item.value();
    ++received;
  };
  {
    std::optional<roost::receiver<tracked_item>> kept;
    const std::exception_ptr error = attack([&] {
      auto ch = roost::make_channel<tracked_item>(2, What, long_name);
      kept = ch.rx;
      for (int i = 0; i < many; ++i) {
        tracked_item item(counts, i);
        try {
          const auto result = ch.tx.send(std::move(item));
          // NOLINTNEXTLINE(bugprone-use-after-move): it was not taken
          expect(result || item.value() == i, "what was not taken is in its variable");
          taken += result ? 1 : 0;
        } catch (...) {
          // NOLINTNEXTLINE(bugprone-use-after-move): likewise
          expect(item.value() == i, "what was not taken is in its variable");
          throw;
        }
      }
      roost::task_scope scope;
      scope.spawn([&] {
        while (auto item = ch.rx.receive())
          receive(*item);
      });
      for (int i = many; i < 2 * many; ++i) {
        tracked_item item(counts, i);
        roost::select(
            on_send(ch.tx, std::move(item), [&](auto result) { taken += result ? 1 : 0; }));
      }
      ch.tx.close();
    });
    expect_refusal_or_nothing(error);
    if (kept) {
      while (auto item = kept->try_receive())
        receive(*item);
    }
    if (What == roost::overflow::drop_newest)
      expect(received == taken, "each item that was taken is received");
    else
      expect(last == taken - 1, "the newest item is received");
  }
  expect(counts.live == 0, "each item dies once");
}

// --- selects ---------------------------------------------------------------------------

void deadlines_in_selects() {
  int passed = 0;
  roost::event never;
  const auto count = [&] { ++passed; };
  const std::exception_ptr error = attack([&] {
    const auto at = roost::clock::now() + 100us;
    roost::select(on_set(never), on_deadline(at, count));
    roost::selector all;
    all.add(on_set(never));
    for (int i = 1; i <= many; ++i)
      all.add(on_deadline(at + i * 10us, count));
    while (all.size() > 1)
      all.select_biased();
  });
  expect_refusal_or_nothing(error);
  expect(error != nullptr || passed == 1 + many, "if nothing is thrown all have passed");
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main() {
  roost::set_unobserved_failure_hook([](const roost::failure& f) { tell(f.error); });
  test::with_each_fault("background scopes", &background_scopes);
  test::with_each_fault("tasks of an object", &tasks_of_an_object);
  test::with_each_fault("hooks of threads", &hooks_of_threads);
  test::with_each_fault("channels that drop the oldest",
                        &channels_that_drop<roost::overflow::drop_oldest>);
  test::with_each_fault("channels that drop the newest",
                        &channels_that_drop<roost::overflow::drop_newest>);
  test::with_each_fault("deadlines in selects", &deadlines_in_selects);
  return test::exit_code();
}
