// SPDX-License-Identifier: BSL-1.0
// Prints a report of a program with all that can be in one: run with "json" or with "dot", for the
// tools that read it. With "trace" or "svg" it prints what a recorder saw of the program.
#include <roost.hpp>
#include <roost/trace.hpp>

#include "support/gate.hpp"
#include "support/probe.hpp"

#include <chrono>
#include <iostream>
#include <string_view>

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  const std::string_view form = argc > 1 ? argv[1] : "";
  const auto rows = roost::make_channel<int>(1, "rows \"2\" \\ gr\xc3\xbc\xc3\x9f \xff\n");
  roost::event never;
  roost::semaphore permits(1);
  const auto held = permits.acquire();
  test::gate gate;
  const roost::trace_recorder recorder;
  roost::task_scope scope({.name = "form", .exit = roost::on_exit::stop});
  auto deaf = scope.spawn("deaf", [&] { gate.pass(); });
  scope.spawn("", [&] { (void)rows.rx.receive(); });
  for (int i = 0; i < 3; ++i)
    scope.spawn("same", [&] { (void)permits.acquire(); });
  scope.spawn("chooses", [&] {
    roost::select(
        roost::on_set(never), roost::on_timeout(1h), roost::on_receive(rows.rx, [](auto) {}));
  });
  scope.spawn("asks", [&] { deaf.get(); });
  scope.spawn("parent", [&] {
    roost::task_scope inner({.name = "inner", .limit = 1});
    inner.spawn("runs", [&] { never.wait(); });
    inner.spawn("is queued", [] {});
    inner.request_stop("for the report");
    gate.pass();
  });
  gate.wait_for_arrivals(2);
  test::wait_until_blocked(scope, 6);
  const roost::report r = roost::report_all();
  gate.open();
  scope.request_stop();
  scope.join(); // before the handle goes that one of the tasks asks
  if (form == "json")
    std::cout << to_json(r);
  else if (form == "dot")
    std::cout << to_dot(r);
  else if (form == "trace")
    recorder.write_chrome(std::cout);
  else if (form == "svg")
    recorder.write_svg(std::cout);
  else
    return 2;
  return std::cout.flush() ? 0 : 1;
}
