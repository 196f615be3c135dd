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

// Where the process has as many descriptors open as it may have.

// A sanitizer needs some itself, to look at what is thrown.
#if !defined(ROOST_TEST_SANITIZED)

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
    CHECK_THROWS_AS(roost::signal_watch({SIGUSR1}), std::system_error);
  }
  roost::signal_watch later({SIGUSR1});
  CHECK_FALSE(later.wait_for(std::chrono::seconds(0)));
}

#endif
