// SPDX-License-Identifier: BSL-1.0

// supervisor: a worker that fails is started again, after a pause that doubles, until it has failed
// too often within a time. Then the supervisor gives up: it fails itself, and that stops its scope.
//
// What to notice:
// - supervise() is a plain function around the worker, in the worker's task. It catches
//   std::exception and no more: a stop, which is none, goes through, also out of the pause.
// - What a restart must not lose lives outside of the worker: the job in hand and the queue's end.
//   main says at the end what nobody has done.
// - The owner gets one exception, which tells the worker; the last failure is nested in it.

#include <roost.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

struct restart_policy {
  std::size_t failures = 3;                   // with so many of them ...
  roost::clock::duration within = 1min;       // ... within this time it gives up
  roost::clock::duration pause = 1ms;         // before it starts again after the first one
  roost::clock::duration longest_pause = 10s; // it doubles, but no further than this
  std::function<roost::clock::time_point()> now = roost::clock::now; // a test has its own time
};

/// Runs `worker` until it returns. Throws, with the last failure nested, when it gives up.
template <class Worker>
void supervise(const restart_policy& policy, Worker worker) {
  const std::string name(roost::this_task::name());
  std::deque<roost::clock::time_point> failures; // those that count
  auto pause = policy.pause;
  for (;;) {
    try {
      worker();
      return;
    } catch (const std::exception& error) {
      const auto now = policy.now();
      while (!failures.empty() && failures.front() <= now - policy.within)
        failures.pop_front();
      pause = failures.empty() ? policy.pause : std::min(2 * pause, policy.longest_pause);
      failures.push_back(now);
      if (failures.size() >= policy.failures)
        std::throw_with_nested(std::runtime_error(name + " gives up, at last: " + error.what()));
      std::cout << name << " failed: " << error.what() << "; again in "
                << std::chrono::duration_cast<std::chrono::milliseconds>(pause).count() << " ms\n";
    }
    roost::this_task::sleep_for(pause); // not in the handler: a stop here is no failure
  }
}

/// Does the jobs of a queue. One that fails stays in hand, and is the first of the next run.
class job_worker {
 public:
  explicit job_worker(roost::receiver<std::string> jobs) : jobs_(std::move(jobs)) {}

  void run() {
    for (;;) {
      if (!in_hand_) {
        auto next = jobs_.receive();
        if (!next)
          return;
        in_hand_ = std::move(*next);
      }
      do_job(*in_hand_);
      in_hand_.reset();
    }
  }

  roost::clock::time_point now() const { return roost::clock::time_point(done_ * 1h); }
  const std::optional<std::string>& in_hand() const { return in_hand_; }

 private:
  void do_job(const std::string& job) {
    if (job == "poison" || (job == "flaky" && tries_++ == 0))
      throw std::runtime_error(job);
    std::cout << job << " done\n";
    ++done_; // an hour, by now()
  }

  roost::receiver<std::string> jobs_;
  std::optional<std::string> in_hand_;
  int tries_ = 0;
  int done_ = 0;
};

} // namespace

int main() {
  auto jobs = roost::make_channel<std::string>(16, "jobs");
  for (const char* job : {"first", "flaky", "third", "poison", "last"})
    (void)jobs.tx.send(job);
  jobs.tx.close();

  job_worker parser(jobs.rx); // before the scope: it outlives its task
  roost::event metrics_are_up;
  roost::event never;
  try {
    roost::task_scope scope({.name = "service"});
    scope.spawn("metrics", [&] {
      supervise({}, [&] {
        try {
          metrics_are_up.set();
          never.wait(); // its work
        } catch (const roost::stopped& stop) {
          std::cout << "metrics: stopped, because " << stop.cause().message << '\n';
          throw;
        }
      });
    });
    metrics_are_up.wait(); // a task that has not begun when a stop comes never does
    scope.spawn("parser", [&parser] {
      supervise({.within = 90min, .now = [&parser] { return parser.now(); }},
                [&parser] { parser.run(); });
    });
    scope.join();
  } catch (const std::exception& error) {
    std::cout << "main: " << error.what() << '\n';
  }
  std::cout << "not done: " << parser.in_hand().value_or("none in hand");
  while (const auto job = jobs.rx.try_receive())
    std::cout << ", " << *job;
  std::cout << '\n';
}

// Output:
//   first done
//   parser failed: flaky; again in 1 ms
//   flaky done
//   third done
//   parser failed: poison; again in 1 ms
//   parser failed: poison; again in 2 ms
//   metrics: stopped, because parser gives up, at last: poison
//   main: parser gives up, at last: poison
//   not done: poison, last
