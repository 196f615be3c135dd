// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/posix.hpp>

#include "support/catch.hpp"
#include "support/descriptors.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"
#include "support/reports.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <exception>
#include <functional>
#include <pthread.h>
#include <stop_token>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

// wait_readable() and wait_writable(): what makes them return, and what they throw.

using namespace std::chrono_literals;

namespace {

using maker = test::two_ends (*)();
const maker all_kinds[] = {
    test::a_pipe, test::a_socketpair, test::an_eventfd, [] { return test::a_terminal(); }};

} // namespace

TEST_CASE("a descriptor that is ready lets a wait return at once", "[posix]") {
  const maker kind = all_kinds[GENERATE(range(0, 4))];
  const test::two_ends ends = kind();
  CHECK_FALSE(roost::wait_readable_for(ends.near, 0s));
  ends.write(kind == all_kinds[3] ? '\n' : 'x'); // a terminal has a line to read
  roost::wait_readable(ends.near);
  CHECK(roost::wait_readable_for(ends.near, 0s)); // it stays so
  CHECK(roost::wait_readable_until(ends.near, roost::clock::time_point()));
  (void)ends.read();
  CHECK_FALSE(roost::wait_readable_until(ends.near, roost::clock::now() + 1ms));
  roost::wait_writable(ends.far);
}

TEST_CASE("a wait until the last time that the clock has waits", "[posix]") {
  const test::two_ends ends = test::a_pipe();
  const auto last = (roost::clock::time_point::max)() - roost::clock::duration(1);
  roost::task_scope scope;
  auto reader = scope.spawn([&] { return roost::wait_readable_until(ends.near, last); });
  test::wait_until_blocked(scope, 1);
  ends.write();
  CHECK(reader.get());
}

TEST_CASE("what is written wakes a thread that waits to read", "[posix]") {
  const maker kind = all_kinds[GENERATE(range(0, 4))];
  const test::two_ends ends = kind();
  roost::task_scope scope;
  auto reader = scope.spawn([&] {
    roost::wait_readable(ends.near);
    return ends.read();
  });
  test::wait_until_blocked(scope, 1);
  ends.write('\n');
  CHECK(reader.get() == '\n');
}

TEST_CASE("room wakes a thread that waits to write", "[posix]") {
  const test::two_ends ends = test::a_socketpair();
  test::fill(ends.far);
  CHECK_FALSE(roost::wait_writable_for(ends.far, 0s));
  CHECK_FALSE(roost::wait_writable_for(ends.far, 1ms));
  roost::task_scope scope;
  auto writer = scope.spawn([&] {
    roost::wait_writable(ends.far);
    return true;
  });
  test::wait_until_blocked(scope, 1);
  test::drain(ends.near);
  CHECK(writer.get());
}

TEST_CASE("a hang-up counts as ready", "[posix]") {
  test::two_ends ends = test::a_pipe();
  roost::task_scope scope;
  auto reader = scope.spawn([&] {
    roost::wait_readable(ends.near);
    char byte = 0;
    return ::read(ends.near, &byte, 1);
  });
  test::wait_until_blocked(scope, 1);
  ends.far.close();
  CHECK(reader.get() == 0);
}

TEST_CASE("an error counts as ready to write", "[posix]") {
  test::two_ends ends = test::a_pipe();
  test::fill(ends.far);
  roost::task_scope scope;
  auto writer = scope.spawn([&] {
    roost::wait_writable(ends.far);
    return true;
  });
  test::wait_until_blocked(scope, 1);
  ends.near.close();
  CHECK(writer.get());
}

TEST_CASE("files are always ready", "[posix]") {
  const test::descriptor file(
      test::checked(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC), "open"));
  roost::wait_readable(file);
}

TEST_CASE("a descriptor that is not open is an error with its number", "[posix]") {
  const int number = GENERATE(-1, 1000, 1 << 30);
  const auto is_named = [&](const std::function<void()>& wait, const std::string& call) {
    try {
      wait();
    } catch (const std::system_error& error) {
      const std::string what = error.what();
      return error.code() == std::errc::bad_file_descriptor &&
             what.find(call + " of fd " + std::to_string(number) + " at ") == 0 &&
             what.find("wait_descriptor_test.cpp:") != std::string::npos;
    }
    return false;
  };
  CHECK(is_named([&] { roost::wait_readable(number); }, "wait_readable"));
  CHECK(is_named([&] { (void)roost::wait_readable_for(number, 0s); }, "wait_readable"));
  CHECK(is_named([&] { roost::wait_writable(number); }, "wait_writable"));
  CHECK(is_named([&] { roost::select(roost::on_readable(number)); }, "roost::on_readable"));
  CHECK(is_named([&] { roost::select(roost::on_writable(number)); }, "roost::on_writable"));
  roost::selector all;
  CHECK(is_named([&] { all.add(roost::on_readable(number)); }, "roost::selector::add"));
  CHECK(all.empty());
  CHECK_FALSE(all.select_for(0s));
}

TEST_CASE("a wait whose descriptor was closed ends by a stop at the latest", "[posix]") {
  test::two_ends ends = test::a_pipe();
  bool stopped = false;
  std::exception_ptr error;
  roost::task_scope scope;
  scope.spawn([&, number = static_cast<int>(ends.near)] {
    try {
      roost::wait_readable(number);
    } catch (const roost::stopped&) {
      stopped = true;
    } catch (const std::system_error&) {
      error = std::current_exception();
    }
  });
  test::wait_until_blocked(scope, 1);
  ends.near.close(); // once the thread is in poll(), Linux does not tell
  scope.request_stop();
  scope.join();
  CHECK((stopped || test::error_of(error) == EBADF));
}

TEST_CASE("several threads wait for the same descriptor", "[posix]") {
  const test::two_ends ends = test::a_pipe();
  roost::task_scope scope;
  for (int i = 0; i < 4; ++i)
    scope.spawn([&] { roost::wait_readable(ends.near); });
  scope.spawn([&] { roost::select(roost::on_readable(ends.near), roost::on_readable(ends.near)); });
  test::wait_until_blocked(scope, 5);
  ends.write();
  scope.join();
}

TEST_CASE("a wait outside of all scopes is a wait, too", "[posix]") {
  const test::two_ends ends = test::a_pipe();
  bool woken = false;
  std::jthread plain([&] {
    roost::wait_readable(ends.near);
    woken = true;
  });
  ends.write();
  plain.join();
  CHECK(woken);
}

TEST_CASE("a signal handler does not end a wait, but lets it find its descriptor closed",
          "[posix]") {
  struct sigaction quiet {};
  struct sigaction before {};
  static std::atomic<bool> handled = false;
  quiet.sa_handler = [](int) { handled = true; };
  REQUIRE(::sigaction(SIGURG, &quiet, &before) == 0);
  test::two_ends ends = test::a_pipe();
  pthread_t thread{};
  std::exception_ptr error;
  int users_error = 0;
  roost::event returned;
  test::gate end; // until then the thread is there to be signalled
  roost::task_scope scope;
  scope.spawn([&, number = static_cast<int>(ends.near)] {
    thread = ::pthread_self();
    errno = 17;
    try {
      roost::wait_readable(number);
    } catch (const std::system_error&) {
      error = std::current_exception();
    }
    users_error = errno;
    returned.set();
    end.pass();
  });
  test::wait_until_blocked(scope, 1);
  const auto interrupt = [&] {
    handled = false;
    REQUIRE(::pthread_kill(thread, SIGURG) == 0);
    test::wait_until([] { return handled.load(); });
  };
  interrupt();
  CHECK_FALSE(returned.wait_for(1ms));
  SECTION("it is open") {
    ends.write();
    returned.wait();
    CHECK(error == nullptr);
    CHECK(users_error == 17);
  }
  SECTION("it was closed") {
    ends.near.close();
    while (!returned.wait_for(1ms)) // it may still be on its way to poll()
      interrupt();
    CHECK(test::error_of(error) == EBADF);
  }
  end.open();
  scope.join();
  REQUIRE(::sigaction(SIGURG, &before, nullptr) == 0);
}

TEST_CASE("a child process has wakes of its own", "[posix]") {
  const test::two_ends ends = test::a_pipe();
  CHECK_FALSE(roost::wait_readable_for(ends.near, 1ms)); // this thread has its waker
  roost::selector all;
  all.add(roost::on_readable(ends.near));
  const pid_t child = test::checked(::fork(), "fork");
  const auto rounds_of_stops = [&] {
    for (int i = 0; i < 100; ++i) {
      roost::task_scope scope({.exit = roost::on_exit::stop});
      scope.spawn([&] { scope.request_stop(); });
      try {
        if (i % 2 == 0) {
          roost::wait_readable(ends.near);
        } else {
          all.select();
        }
      } catch (const roost::stopped&) {
        continue;
      }
      return false;
    }
    return true;
  };
  const bool good = rounds_of_stops();
  if (child == 0) {
    all.remove(1); // from its own set
    ::_exit(good ? 0 : 1);
  }
  int status = 0;
  test::checked(::waitpid(child, &status, 0), "waitpid");
  CHECK(good);
  CHECK(status == 0);
  ends.write();
  CHECK(all.select() == 1);
}

TEST_CASE("a report names the descriptor", "[posix][report]") {
  const test::two_ends ends = test::a_pipe();
  roost::task_scope scope({.exit = roost::on_exit::stop});
  scope.spawn("reader", [&] { roost::wait_readable(ends.near); });
  scope.spawn("selecting",
              [&] { roost::select(roost::on_readable(ends.near), roost::on_timeout(1h)); });
  scope.spawn("selector", [&] {
    roost::selector all;
    all.add(roost::on_readable(ends.near));
    all.select();
  });
  test::wait_until_blocked(scope, 3);
  const roost::report r = scope.report();
  const std::string fd = "fd " + std::to_string(static_cast<int>(ends.near));
  const roost::blocked_report& call = test::call_in(r, "reader");
  CHECK(call.operation == "wait_readable");
  CHECK(call.object == "descriptor");
  CHECK(call.detail == fd);
  CHECK(to_text(r).find("in wait_readable of " + fd + " at ") != std::string::npos);
  const std::vector<roost::object_report>& cases = test::call_in(r, "selecting").waits_for;
  CHECK(cases.front().detail + cases.back().detail == fd); // in any order
  CHECK(test::call_in(r, "selector").object == "descriptors");
}
