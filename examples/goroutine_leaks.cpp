// SPDX-License-Identifier: BSL-1.0

// The well-known ways to leak a goroutine, and what becomes of each here. Notice that no row has a
// line whose only purpose is to prevent the leak: channels close with their last end, waits end
// with their scope, a limit is an option of the scope. At the end the program counts its threads.

#include <roost.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace {

using namespace std::chrono_literals;

void row(std::string_view heading, std::string_view in_go) {
  std::cout << heading << "\n  Go:    " << in_go << '\n';
}

void here(std::string_view what_happened) {
  std::cout << "  roost: " << what_happened << '\n';
}

void a1_blocked_channel() {
  row("A1 a blocked channel", "<-ch waits for ever where nobody sends");

  auto unfed = roost::make_channel<int>();
  { const auto gone = std::move(unfed.tx); }
  roost::task_scope scope;
  auto closed = scope.spawn("receiver", [rx = unfed.rx] {
    return rx.receive().status() == roost::channel_status::closed;
  });
  if (closed.get())
    here("no sender is left, so receive() reports: closed");

  auto silent = roost::make_channel<int>(); // silent.tx lives on and sends nothing
  std::string woken;
  {
    roost::event started;
    roost::task_scope inner({.exit = roost::on_exit::stop});
    inner.spawn("receiver", [&woken, &started, rx = silent.rx] {
      started.set();
      try {
        (void)rx.receive();
      } catch (const roost::stopped& stop) {
        woken = stop.cause().message;
        throw;
      }
    });
    started.wait();
  }
  here("a sender is left and silent, so receive() throws stopped: " + woken);
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

void a2_deadlock() {
  row("A2 a deadlock", "select {} keeps a worker from wg.Done(), and wg.Wait() waits for ever");

  roost::wait_group workers;
  try {
    roost::task_scope scope({.name = "deadlock", .timeout = 200ms});
    workers.spawn(scope, [] { roost::select(); });
    workers.wait();
  } catch (const roost::timeout_error& error) {
    here(std::string("both waits are ended, main's with timeout_error: ") + error.what());
  }
  try {
    roost::task_scope scope({.name = "app", .on_deadlock = roost::on_deadlock::stop});
    workers.spawn(scope, [] { roost::select(); });
    workers.wait();
  } catch (const roost::deadlock_error& error) {
    here("or it is found at once, without a time: " + first_line(error.what()));
  }
}

void a3_context_with_timeout() {
  row("A3 a context with a timeout",
      "a worker that does not listen to ctx.Done() goes on for ever");

  std::string waiter;
  std::string poller;
  try {
    roost::task_scope scope({.name = "workers", .timeout = 2s});
    scope.spawn("waiter", [&waiter] {
      try {
        roost::this_task::sleep_for(1h);
      } catch (const roost::stopped&) {
        waiter = "a wait throws stopped";
        throw;
      }
    });
    scope.spawn("poller", [&poller](const std::stop_token& stop) {
      while (!stop.stop_requested())
        std::this_thread::yield(); // works
      poller = "a stop token says stop_requested()";
    });
    scope.join();
  } catch (const roost::timeout_error&) {
    here(waiter);
    here(poller);
    here("join() throws timeout_error");
  }
}

void a4_done_channel() {
  row("A4 a done channel", "a loop without case <-done never ends; a second close(done) panics");

  roost::event done;
  roost::task_scope scope;
  scope.spawn("worker", [&done] {
    roost::ticker next(1ms);
    for (bool working = true; working;) {
      roost::select(roost::on_tick(next), // works
                    roost::on_set(done, [&working] { working = false; }));
    }
  });
  roost::this_task::sleep_for(20ms);
  done.set();
  done.set();
  scope.join();
  here("case on_set(done) ends the loop; to set it twice does no harm");

  roost::event working;
  {
    roost::task_scope inner({.exit = roost::on_exit::stop});
    inner.spawn("worker", [&working] {
      roost::ticker next(1ms);
      for (;;)
        roost::select(roost::on_tick(next, [&working] { working.set(); }));
    });
    working.wait();
  }
  here("a stop ends the loop that lacks this case, because it ends select()");
}

void a5_wait_group() {
  row("A5 waiting for all",
      "without wg.Add, Done and Wait in their places main ends too early, or never");

  std::atomic<int> finished = 0;
  {
    roost::task_scope scope;
    for (int i = 0; i < 3; ++i)
      scope.spawn("worker", [&finished] { ++finished; });
  }
  here("the scope's end has waited for workers: " + std::to_string(finished));

  roost::wait_group loaders;
  roost::task_scope scope({.exit = roost::on_exit::stop});
  scope.spawn("server", [] { roost::this_task::sleep_for(1h); });
  for (int i = 0; i < 2; ++i)
    loaders.spawn(scope, [&finished] { ++finished; });
  loaders.wait();
  here("a wait_group waits for a part of them: " + std::to_string(finished - 3));
}

void a6_range() {
  row("A6 range over a channel", "for v := range ch never ends if nobody calls close(ch)");

  roost::task_scope scope;
  auto numbers = roost::make_channel<int>();
  scope.spawn("producer", [tx = std::move(numbers.tx)] {
    for (int i = 1; i <= 3; ++i)
      if (!tx.send(i))
        return;
  });
  std::string received;
  for (const int number : numbers.rx)
    received += ' ' + std::to_string(number);
  here("the producer's end went with it, and the loop ended after:" + received);
}

void a7_too_many() {
  row("A7 too many of them", "go f(x) in a loop starts one for each x, however many there are");

  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  const auto work = [&running, &most] {
    const int now = ++running;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
    roost::this_task::sleep_for(1ms);
    --running;
  };
  {
    roost::task_scope scope({.limit = 4, .backlog = 8});
    for (int i = 0; i < 100; ++i)
      scope.spawn(work); // waits while 4 run and 8 are queued
  }
  here(most <= 4 ? "of 100 tasks never more than the limit of 4 ran at once" : "too many");

  most = 0;
  roost::for_each(std::array<int, 100>(), [&work](int) { work(); }, {.limit = 3});
  here(most <= 3 ? "of 100 elements for_each had never more than 3 in hand" : "too many");
}

void a8_identify() {
  row("A8 finding a leak", "somebody has to look at the number of goroutines, or at a profile");

  roost::event started;
  roost::task_scope scope({.name = "report", .stall_after = 20ms});
  scope.spawn("deaf", [&started] {
    started.set();
    std::this_thread::sleep_for(2s); // a foreign call, which no stop reaches
  });
  started.wait();
  const roost::report now = scope.report(); // any thread may ask, at any time
  here("report() tells what runs, and where it was spawned: " + now.tasks.at(0).name);
  scope.request_stop("time to go");
  scope.join();
  here("join() names on stderr the task that does not stop, and waits for it all the same");
}

std::ptrdiff_t count_threads() {
  std::error_code unknown; // where there is no /proc
  return std::distance(std::filesystem::directory_iterator("/proc/self/task", unknown), {});
}

} // namespace

int main() {
  std::thread([] {}).join(); // with the first thread, tools such as ThreadSanitizer start one
  const auto at_start = count_threads();
  a1_blocked_channel();
  a2_deadlock();
  a3_context_with_timeout();
  a4_done_channel();
  a5_wait_group();
  a6_range();
  a7_too_many();
  a8_identify();
  for (int i = 0; i < 60'000 && count_threads() > at_start; ++i)
    std::this_thread::sleep_for(1ms); // Linux lists a thread a moment longer than its join takes
  const auto at_end = count_threads();
  std::cout << "threads at the start: " << at_start << ", at the end: " << at_end << '\n';
  return at_end <= at_start ? 0 : 1;
}
