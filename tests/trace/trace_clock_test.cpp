// SPDX-License-Identifier: BSL-1.0
#include <roost.hpp>
#include <roost/testing.hpp>
#include <roost/trace.hpp>

#include "support/catch.hpp"
#include "support/xml.hpp"

#include <chrono>
#include <sstream>
#include <string>
#include <thread>

using namespace std::chrono_literals;

TEST_CASE("what a clock outside of a bubble tells is not drawn before the trace's begin",
          "[trace]") {
  const std::string text = roost::testing::bubble([](roost::task_scope& scope) {
    roost::this_task::sleep_for(1h); // ahead of the clock outside
    roost::trace_recorder recorder;
    const roost::outside_waker known(scope);
    roost::event set;
    std::thread outside([&] { set.set(); });
    set.wait();
    outside.join();
    recorder.stop();
    std::ostringstream out;
    recorder.write_svg(out);
    return out.str();
  });
  CHECK(test::xml::read(text).name == "svg");
  CHECK(text.find("=\"-") == std::string::npos);
  CHECK(text.find(".-") == std::string::npos);
}

TEST_CASE("what a clock outside of a bubble tells takes nothing from a trace that is full",
          "[trace]") {
  const std::string text = roost::testing::bubble([] {
    roost::this_task::sleep_for(1h);
    roost::trace_recorder recorder(10'000);
    for (int i = 0; i < 20'000; ++i)
      roost::this_task::sleep_for(1ms);
    CHECK(recorder.dropped() != 0);
    std::thread([] { roost::this_task::sleep_for(1ms); }).join();
    recorder.stop();
    std::ostringstream out;
    recorder.write_chrome(out);
    return out.str();
  });
  CHECK(text.find("this_task::sleep") != std::string::npos);
}
