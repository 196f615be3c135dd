// SPDX-License-Identifier: BSL-1.0
// While the environment has ROOST_STRESS_REPORTS, a thread takes reports in a loop during each
// stress test, but for those of [memory]: whatever scopes, tasks and primitives do meanwhile, a
// report may look at them.
#include <roost.hpp>

#include "support/catch.hpp"

#if __has_include(<pthread.h>)
#include <csignal>
#include <pthread.h>
#endif
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

namespace {

#if __has_include(<catch2/catch_all.hpp>)
using listener = Catch::EventListenerBase;
#else
using listener = Catch::TestEventListenerBase;
#endif

/// A thread that is started while this lives gets no signals, from its first instruction on: they
/// are for the threads of the test.
class signals_blocked {
 public:
#if __has_include(<pthread.h>)
  signals_blocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~signals_blocked() {
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  signals_blocked(const signals_blocked&) = delete;
  signals_blocked& operator=(const signals_blocked&) = delete;

 private:
  sigset_t before_;
#endif
};

void take_reports(const std::stop_token& token) {
  std::mutex pause;
  std::condition_variable_any ended;
  std::size_t seen = 0;
  while (!token.stop_requested()) {
    const roost::report r = roost::report_all();
    for (const roost::scope_report& s : r.scopes)
      seen += s.id != 0 && s.where.line != 0 ? 1 : 0;
    if (seen < r.scopes.size()) {
      std::fputs("a report has a scope that was made nowhere\n", stderr);
      std::terminate();
    }
    seen = 0;
    std::unique_lock lock(pause); // else little else would go on
    ended.wait_for(lock, token, std::chrono::microseconds(200), [] { return false; });
  }
}

class reports_meanwhile final : public listener {
 public:
  using listener::listener;

  void testCaseStarting(const Catch::TestCaseInfo& info) override {
    listener::testCaseStarting(info);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the program does not change its environment
    const bool wanted = std::getenv("ROOST_STRESS_REPORTS") != nullptr;
    // Where memory is looked at, what a sanitizer keeps of the reports for a while would count.
    if (wanted && info.tagsAsString().find("[memory]") == std::string::npos) {
      [[maybe_unused]] const signals_blocked no_signals{};
      thread_.emplace(take_reports);
    }
  }
  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    thread_.reset(); // asks it to stop, and joins it
    listener::testCaseEnded(stats);
  }

 private:
  std::optional<std::jthread> thread_;
};

} // namespace

CATCH_REGISTER_LISTENER(reports_meanwhile)
