// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/report.hpp>

#include "stress/random/generator.hpp"
#include "stress/random/interpreter.hpp"
#include "stress/random/oracles.hpp"
#include "stress/random/program.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <unistd.h>

// Runs programs, sees to it that each ends in time, and makes one that fails smaller.

// The sanitizers have it: it calls a function before they end the program.
extern "C" [[gnu::weak]] void __sanitizer_set_death_callback(void (*callback)()); // NOLINT

namespace test::random {

/// The seed of the program that runs, for those who end the process.
inline std::atomic<std::uint64_t> seed_that_runs{0};

/// To be called where the process ends, by whatever: so it allocates nothing and takes no lock.
inline void tell_seed() {
  std::array<char, 100> text{};
  const int length = std::snprintf(text.data(),
                                   text.size(),
                                   "in a program made at random: repeat with ROOST_SEED=%llu\n",
                                   static_cast<unsigned long long>(seed_that_runs.load()));
  if (::write(STDERR_FILENO, text.data(), static_cast<std::size_t>(length)) < 0)
    return;
}

/// While it lives, the end of the process tells the seed, and a program that takes too long ends
/// the process, with a report of what waits. One at a time. Its patience allows for a virtual
/// machine that holds one of its processors up for a minute, with the thread that is on it.
class watchman {
 public:
  explicit watchman(std::chrono::seconds patience = std::chrono::seconds(120))
      : hook_before_(roost::set_unobserved_failure_hook(&note_unobserved)),
        abort_before_(std::signal(SIGABRT,
                                  [](int) {
                                    tell_seed();
                                    std::signal(SIGABRT, SIG_DFL);
                                    std::abort();
                                  })),
        thread_([this, patience](const std::stop_token& token) { watch(token, patience); }) {
    if (&__sanitizer_set_death_callback != nullptr)
      __sanitizer_set_death_callback(&tell_seed);
  }
  watchman(const watchman&) = delete;
  watchman& operator=(const watchman&) = delete;
  ~watchman() {
    thread_.request_stop();
    thread_.join();
    std::signal(SIGABRT, abort_before_);
    roost::set_unobserved_failure_hook(hook_before_);
  }

  /// Runs it, and sees what it does. `around(f)` calls `f()`, which does all of that.
  template <class Around>
  void run(const program& p, observations& seen, Around around) {
    begin(&p);
    run_program(p, seen, company::alone, around);
    begin(nullptr);
  }

  /// Runs it, and returns what the oracles say.
  std::string judge(const program& p) {
    const auto seen = std::make_unique<observations>();
    run(p, *seen, [](const auto& f) { f(); });
    return random::judge(*seen);
  }

 private:
  void begin(const program* p) {
    const std::lock_guard lock(mutex_);
    running_ = p;
    ticks_ = 0;
    if (p != nullptr)
      seed_that_runs = p->seed;
  }

  // By counts of its own steps, and not by the clock: a process that is halted is not late. A
  // virtual machine may hold up one processor for a minute while this thread runs on another:
  // patience is longer.
  void watch(const std::stop_token& token, std::chrono::seconds patience) {
    constexpr std::chrono::milliseconds step(100);
    std::unique_lock lock(mutex_);
    while (!token.stop_requested()) {
      stopping_.wait_for(lock, token, step, [] { return false; });
      if (running_ != nullptr && ++ticks_ > patience / step)
        tell_hang_and_abort();
    }
  }

  [[noreturn]] void tell_hang_and_abort() const {
    const std::string text = "not so: a program ends in time\n" + to_text(*running_) +
                             roost::to_text(roost::report_all());
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::abort();
  }

  std::mutex mutex_;
  std::condition_variable_any stopping_;
  const program* running_ = nullptr;         // guarded by mutex_
  std::chrono::milliseconds::rep ticks_ = 0; // guarded by mutex_; since it began
  const roost::unobserved_failure_hook hook_before_;
  void (*const abort_before_)(int);
  std::jthread thread_;
};

// --- smaller programs that fail as well ----------------------------------------------------

/// Leaves it out, with all below: what is around it stays a valid program.
inline void leave_out(node& n) {
  n.what = kind::sequence;
  n.children.clear();
}

inline void cut_below(node& n, int levels) {
  if (levels == 0)
    return leave_out(n);
  for (node& child : n.children)
    cut_below(child, levels - 1);
}

/// The node with this number; null if there is none.
inline node* find(node& n, int number) {
  if (n.number == number)
    return &n;
  for (node& child : n.children) {
    if (node* const found = find(child, number))
      return found;
  }
  return nullptr;
}

/// What the oracles say of the first of so many runs that is wrong.
inline std::string judge_often(watchman& by, const program& p, int runs) {
  std::string wrong;
  for (int run = 0; run < runs && wrong.empty(); ++run)
    wrong = by.judge(p);
  return wrong;
}

/// Cuts off levels, and then leaves nodes out, as long as one of some runs still fails.
inline program shrink(watchman& by, program p, int runs = 60) {
  const auto try_instead = [&](const program& smaller) {
    const bool fails = !judge_often(by, smaller, runs).empty();
    if (fails)
      p = smaller;
    return fails;
  };
  for (int levels = 1; levels < depth(p.root); ++levels) {
    program smaller = p;
    cut_below(smaller.root, levels);
    if (try_instead(smaller))
      break;
  }
  const int last = size(make_program(p.seed).root);
  for (int number = 1; number <= last; ++number) {
    program smaller = p;
    node* const out = find(smaller.root, number);
    if (out == nullptr || (out->what == kind::sequence && out->children.empty()))
      continue;
    leave_out(*out);
    (void)try_instead(smaller);
  }
  return p;
}

/// Runs the programs of `count` seeds, from the first on. Nothing if all is well; else what is
/// wrong with the first that fails, and the smallest program that was found to fail, too.
inline std::string judge_seeds(std::uint64_t first, int count) {
  watchman by;
  for (std::uint64_t seed = first; seed != first + static_cast<std::uint64_t>(count); ++seed) {
    const program p = make_program(seed);
    const std::string wrong = by.judge(p);
    if (!wrong.empty()) {
      return "repeat with ROOST_SEED=" + std::to_string(seed) + "\n" + wrong + to_text(p) +
             "smaller:\n" + to_text(shrink(by, p));
    }
  }
  return "";
}

} // namespace test::random
