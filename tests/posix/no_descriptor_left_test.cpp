// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/posix.hpp>

#include "support/catch.hpp"
#include "support/descriptors.hpp"
#include "support/probe.hpp"
#include "support/sanitized.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <exception>
#include <fcntl.h>
#include <sys/resource.h>
#include <system_error>
#include <thread>
#include <vector>

// Where the process has as many descriptors open as it may have.

// A sanitizer needs some itself, to look at what is thrown.
#if !defined(ROOST_TEST_SANITIZED)

using namespace std::chrono_literals;

namespace {

/// While it lives no descriptor can be opened.
class no_descriptor_left {
 public:
  no_descriptor_left() {
    test::checked(::getrlimit(RLIMIT_NOFILE, &before_), "getrlimit");
    const test::descriptor lowest(test::checked(::open("/dev/null", O_RDONLY | O_CLOEXEC), "open"));
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(static_cast<int>(lowest));
    test::checked(::setrlimit(RLIMIT_NOFILE, &none), "setrlimit");
  }
  ~no_descriptor_left() { (void)::setrlimit(RLIMIT_NOFILE, &before_); }
  no_descriptor_left(const no_descriptor_left&) = delete;
  no_descriptor_left& operator=(const no_descriptor_left&) = delete;

 private:
  rlimit before_{};
};

} // namespace

TEST_CASE("where no descriptor is left, the first wait that has to sleep throws", "[posix]") {
  const test::two_ends ends = test::a_pipe();
  std::exception_ptr error;
  std::atomic<bool> has_failed = false;
  const bool by_select = GENERATE(false, true);
  roost::task_scope scope;
  const auto wait_for_it = [&] {
    if (by_select) {
      roost::select(roost::on_readable(ends.near));
    } else {
      roost::wait_readable(ends.near);
    }
  };
  // More threads wait at once than there are wakers from before: so one has to make its own.
  {
    const no_descriptor_left none;
    for (std::size_t others = 0; !has_failed; ++others) {
      scope.spawn([&] {
        try {
          wait_for_it();
        } catch (const std::system_error&) {
          error = std::current_exception();
          has_failed = true;
        }
      });
      test::wait_until(
          [&] { return has_failed || test::scope_probe::blocked_tasks(scope) > others; });
    }
  }
  CHECK(test::error_of(error) == EMFILE);
  ends.write();
  roost::wait_readable(ends.near); // what is ready needs none
  scope.spawn(wait_for_it);        // and the scope goes on
  scope.join();
}

TEST_CASE("where no descriptor is left, what does not sleep needs none", "[posix]") {
  const test::two_ends ends = test::a_pipe();
  roost::signal_watch signals({SIGUSR2});
  roost::selector all;
  all.add(roost::on_readable(ends.near));
  std::exception_ptr error;
  std::size_t which = 0;
  bool found = false;
  const auto look = [&] {
    which = roost::select(roost::on_readable(ends.near), roost::otherwise());
    found = all.try_select() || all.select_for(0s) || signals.wait_for(0s) ||
            roost::wait_readable_for(ends.near, 0s);
  };
  std::vector<roost::detail::waker*> others; // that threads from before have left
  {
    const no_descriptor_left none;
    auto& pool = roost::detail::pool_of<roost::detail::waker>::instance();
    try {
      for (;;)
        others.push_back(&pool.take());
    } catch (const std::system_error&) {
    }
    std::thread([&] { // which has no waker
      try {
        look();
      } catch (...) {
        error = std::current_exception();
      }
    })
        .join();
    for (roost::detail::waker* const w : others)
      pool.give_back(*w);
  }
  CHECK(test::error_of(error) == 0);
  CHECK(which == 1);
  CHECK_FALSE(found);
}

TEST_CASE("where no descriptor is left, a selector refuses its first one", "[posix][selector]") {
  const test::two_ends ends = test::a_pipe();
  auto ch = roost::make_channel<int>(1);
  roost::selector all;
  all.add(roost::on_receive(ch.rx, [](auto) {}));
  {
    const no_descriptor_left none;
    CHECK_THROWS_AS(all.add(roost::on_readable(ends.near)), std::system_error);
  }
  CHECK(all.size() == 1);
  REQUIRE(ch.tx.send(1));
  CHECK(all.select() == 1);
  CHECK(all.add(roost::on_readable(ends.near)) == 2);
  ends.write();
  CHECK(all.select() == 2);
}

TEST_CASE("where no descriptor is left, a signal_watch cannot be made", "[posix][signal]") {
  {
    const no_descriptor_left none;
    CHECK_THROWS_AS(roost::signal_watch({SIGWINCH}), std::system_error);
  }
  sigset_t blocked;
  REQUIRE(::pthread_sigmask(SIG_SETMASK, nullptr, &blocked) == 0);
  CHECK(::sigismember(&blocked, SIGWINCH) == 0); // as before: no other test has it
  roost::signal_watch later({SIGWINCH});
  CHECK_FALSE(later.wait_for(std::chrono::seconds(0)));
}

TEST_CASE("where the system cannot poll, waits throw and do not spin", "[posix]") {
  const test::two_ends ends = test::a_pipe();
  roost::signal_watch signals({SIGUSR2});
  roost::selector all;
  all.add(roost::on_readable(ends.near));
  int taken = 0;
  roost::selector of_signal;
  of_signal.add(roost::on_signal(signals, [&](int signal) { taken = signal; }));
  CHECK_FALSE(signals.wait_for(std::chrono::milliseconds(1))); // the thread has its waker now
  CHECK_FALSE(all.select_for(std::chrono::milliseconds(1)));
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit one = before;
  one.rlim_cur = 1; // for two descriptors poll() fails
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &one) == 0);
  std::exception_ptr of_signals;
  std::exception_ptr of_selector;
  std::exception_ptr of_case;
  try {
    (void)signals.wait();
  } catch (...) {
    of_signals = std::current_exception();
  }
  try {
    (void)all.select();
  } catch (...) {
    of_selector = std::current_exception();
  }
  try {
    (void)of_signal.select();
  } catch (...) {
    of_case = std::current_exception();
  }
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(test::error_of(of_case) == EINVAL);
  CHECK(test::error_of(of_signals) == EINVAL);
  CHECK(test::error_of(of_selector) == EINVAL);
  ends.write();
  CHECK(all.select() == 1); // it goes on
  REQUIRE(::raise(SIGUSR2) == 0);
  CHECK(signals.wait() == SIGUSR2);
  REQUIRE(::raise(SIGUSR2) == 0);
  CHECK(of_signal.select() == 1);
  CHECK(taken == SIGUSR2);
}

TEST_CASE("a selector that cannot renew its set waits for the rest", "[posix][selector]") {
  auto ch = roost::make_channel<int>(1);
  roost::selector all;
  all.add(roost::on_receive(ch.rx, [](auto) {}));
  test::two_ends gone = test::a_pipe();
  const test::descriptor elsewhere(test::checked(::dup(gone.near), "dup"));
  const test::two_ends ends = test::a_pipe();
  test::descriptor filler(test::checked(::open("/dev/null", O_RDONLY | O_CLOEXEC), "open"));
  const std::size_t of_gone = all.add(roost::on_readable(gone.near)); // makes the set
  const std::size_t of_ends = all.add(roost::on_readable(ends.near));
  gone.near.close();
  CHECK(all.remove(of_gone));
  const test::descriptor in_its_place(test::checked(::dup(ends.near), "dup"));
  gone.write();   // the set tells of what is not there any more, and so has to be renewed
  filler.close(); // so the number of the set is above the limit
  {
    const no_descriptor_left none;
    CHECK_THROWS_AS(all.try_select(), std::system_error);
    CHECK(all.remove(of_ends));
  }
  CHECK_FALSE(all.select_for(1ms)); // no wait for what has the number of its old set
  REQUIRE(ch.tx.send(1));
  CHECK(all.select() == 1);
  CHECK(all.add(roost::on_readable(ends.near)) == 4);
  ends.write();
  CHECK(all.select() == 4);
}

#endif
