// SPDX-License-Identifier: BSL-1.0
// A trace as a picture: it is well-formed, its texts are escaped and do not overlap, and it says
// what it has to say.
#include <roost.hpp>
#include <roost/testing.hpp>
#include <roost/trace.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"
#include "support/probe.hpp"
#include "support/traces.hpp"
#include "support/xml.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using test::svg_text;
using test::xml;

namespace {

/// Two texts that lie over each other, or one that leaves the picture; empty if there is none.
/// Glyphs of the font take at most 0.61 of its size.
std::string overlap_in(const xml& picture) {
  struct box {
    double left, right, top, bottom;
    std::string text;
  };
  std::vector<box> boxes;
  for (const xml* const t : picture.all("text")) {
    const std::string type = t->attribute("class");
    const double size = type == "title" ? 13 : type.substr(0, 5) == "small" ? 9 : 11;
    const double width = 0.61 * size * static_cast<double>(roost::detail::utf8_count(t->text));
    const double x = t->number("x") - (type == "axis" ? width / 2 : 0);
    const double y = t->number("y");
    const box b{x, x + width, y - 0.7 * size, y + 0.1 * size, t->text};
    if (b.left < 0 || b.right > picture.number("width") || b.bottom > picture.number("height"))
      return "outside: " + b.text;
    for (const box& other : boxes) {
      if (b.left < other.right && other.left < b.right && b.top < other.bottom &&
          other.top < b.bottom)
        return b.text + " over " + other.text;
    }
    boxes.push_back(b);
  }
  return {};
}

std::size_t count(const xml& picture, std::string_view element, std::string_view type) {
  const auto all = picture.all(element);
  return static_cast<std::size_t>(std::count_if(
      all.begin(), all.end(), [&](const xml* e) { return e->attribute("class") == type; }));
}

/// How many shapes of a type there are beside that of the legend.
std::size_t drawn(const xml& picture, std::string_view element, std::string_view type) {
  return count(picture, element, type) - 1;
}

bool has_text(const xml& picture, const std::string& words) {
  const auto all = picture.all("text");
  return std::any_of(all.begin(), all.end(), [&](const xml* e) {
    return e->text.find(words) != std::string::npos;
  });
}
bool has_title(const xml& picture, const std::string& words) {
  const auto all = picture.all("title");
  return std::any_of(all.begin(), all.end(), [&](const xml* e) {
    return e->text.find(words) != std::string::npos;
  });
}

/// Runs tasks that sleep for different times, some of which fail.
void run_tasks(std::size_t tasks, std::size_t limit) {
  roost::task_scope scope({.name = "many", .limit = limit, .errors = roost::on_error::collect});
  for (std::size_t i = 0; i < tasks; ++i) {
    scope.spawn("job " + std::string(i % 7, 'x'), [i] {
      roost::this_task::sleep_for(std::chrono::microseconds(50 + i * 37 % 400));
      if (i % 16 == 3)
        throw std::runtime_error("this is the message of a failure, " + std::to_string(i));
    });
  }
  CHECK_THROWS_AS(scope.join(), roost::exception_list);
}

std::string picture_of(std::size_t tasks, std::size_t limit) {
  const roost::trace_recorder recorder;
  run_tasks(tasks, limit);
  return svg_text(recorder);
}

/// The same in virtual time: no task takes longer than its sleep.
std::string exact_picture_of(std::size_t tasks, std::size_t limit) {
  std::optional<roost::trace_recorder> recorder;
  roost::testing::bubble([&] {
    recorder.emplace();
    run_tasks(tasks, limit);
    recorder->stop();
  });
  return svg_text(*recorder);
}

} // namespace

TEST_CASE("a picture of few tasks has a lane for each, with its name", "[trace]") {
  roost::trace_recorder recorder;
  auto rows = roost::make_channel<int>(1, "rows");
  {
    roost::task_scope scope({.name = "work"});
    scope.spawn("takes", [&] { (void)rows.rx.receive(); });
    test::wait_until([&] { return has_title(xml::read(svg_text(recorder)), "receiver::receive"); });
    scope.spawn("gives", [&] { (void)rows.tx.send(1); });
  }
  const std::string text = svg_text(recorder);
  const xml picture = xml::read(text);
  CHECK(picture.name == "svg");
  CHECK(picture.attribute("xmlns") == "http://www.w3.org/2000/svg");
  CHECK(text.find("href") == std::string::npos); // it stands alone
  CHECK(overlap_in(picture) == "");
  CHECK(count(picture, "text", "name") == 3);
  CHECK(has_text(picture, " takes"));
  CHECK(has_text(picture, " gives"));
  CHECK(has_text(picture, "2 tasks"));
  CHECK(drawn(picture, "rect", "run") == 2);
  CHECK(count(picture, "path", "head") == 2);
  CHECK(drawn(picture, "path", "scope") == 1);
  CHECK(has_title(picture, "receiver::receive on \"rows\" at "));
  CHECK(has_title(picture, "trace_svg_test.cpp:"));
  CHECK(has_title(picture, "\nwoken by #"));
  CHECK(has_title(picture, "scope \"work\" #"));
}

TEST_CASE("texts in a picture do not overlap", "[trace]") {
  const auto [tasks, limit] = GENERATE(std::pair<std::size_t, std::size_t>{5, 8},
                                       std::pair<std::size_t, std::size_t>{30, 4},
                                       std::pair<std::size_t, std::size_t>{300, 8},
                                       std::pair<std::size_t, std::size_t>{500, 500});
  const xml picture = xml::read(picture_of(tasks, limit));
  CHECK(overlap_in(picture) == "");
  CHECK(drawn(picture, "rect", "run") == tasks);
  CHECK(drawn(picture, "path", "fail") == 2 * ((tasks + 12) / 16) + 1);
  CHECK(has_text(picture, std::to_string(tasks) + " tasks"));
  CHECK((count(picture, "text", "name") == 0) == (tasks >= 60));
}

TEST_CASE("the check of overlaps finds one", "[trace]") {
  const auto fault = [](const char* second) {
    return overlap_in(xml::read(
        std::string(R"(<svg width="100" height="50"><text class="name" x="10" y="20">abc</text>)") +
        second + "</svg>"));
  };
  CHECK(fault(R"(<text class="name" x="32" y="20">de</text>)") == "");
  CHECK(fault(R"(<text class="name" x="28" y="20">de</text>)") == "de over abc");
  CHECK(fault(R"(<text class="name" x="28" y="29">de</text>)") == "");
  CHECK(fault(R"(<text class="name" x="90" y="29">de</text>)") == "outside: de");
  CHECK_THROWS(xml::read("<a><b></a></b>"));
  CHECK_THROWS(xml::read("<a>&</a>"));
}

TEST_CASE("where there are many tasks, those that come after others share a row", "[trace]") {
  const xml few = xml::read(exact_picture_of(300, 4));
  const xml many = xml::read(exact_picture_of(300, 300));
  CHECK(few.number("height") < 600);
  CHECK(many.number("height") > few.number("height"));
}

TEST_CASE("names in a picture are escaped", "[trace]") {
  roost::trace_recorder recorder;
  {
    roost::task_scope scope({.name = "<a>&\"\n\x02\xef\xbf\xbe"});
    scope.spawn("<b>&\"\x03\xc3", [] {});
  }
  const xml picture = xml::read(svg_text(recorder));
  CHECK(has_text(picture, " <b>&\" \xef\xbf\xbd"));
  CHECK(has_title(picture, "<a>&\"  \xef\xbf\xbd"));
}

TEST_CASE("a picture marks stops, failures, and tasks that never ran", "[trace]") {
  roost::trace_recorder recorder;
  test::gate gate;
  const auto run = [&] {
    roost::task_scope scope({.name = "work", .limit = 1});
    scope.spawn("fails", [&] {
      gate.pass();
      throw std::runtime_error("out of paper");
    });
    gate.wait_for_arrivals(1);
    scope.spawn("never", [] {});
    gate.open();
    scope.join();
  };
  CHECK_THROWS_AS(run(), std::runtime_error);
  const xml picture = xml::read(svg_text(recorder));
  CHECK(overlap_in(picture) == "");
  CHECK(has_text(picture, "work: stop, failure"));
  CHECK(has_title(picture, "failed: out of paper"));
  CHECK(has_title(picture, "stop of scope \"work\", failure at "));
  CHECK(has_title(picture, "never ran: stopped"));
  CHECK(drawn(picture, "path", "stop") == 1);
  CHECK(drawn(picture, "rect", "stopped") == 1);
}

TEST_CASE("the times at the axis of a picture are round", "[trace]") {
  using roost::detail::svg_ticks;
  const auto label = [](std::chrono::nanoseconds length, std::int64_t tick) {
    return svg_ticks(length).label(tick);
  };
  CHECK(label(9ns, 1) == "1 ns");
  CHECK(label(11900us, 1) == "2 ms");
  CHECK(label(1800us, 3) == "0.6 ms");
  CHECK(label(1700us, 6) == "1.2 ms");
  CHECK(label(450us, 2) == "100 us");
  CHECK(label(40s, 1) == "5 s");
  CHECK(label(3h, 2) == "4000 s");
  CHECK(label(1s, 0) == "0");
  CHECK(svg_ticks(1ns).step() == 1ns);
}

TEST_CASE("times in a picture have three digits", "[trace]") {
  using roost::detail::trace_time;
  CHECK(trace_time(0ns) == "0 ns");
  CHECK(trace_time(999ns) == "999 ns");
  CHECK(trace_time(1234ns) == "1.23 us");
  CHECK(trace_time(12345ns) == "12.3 us");
  CHECK(trace_time(123456us) == "123 ms");
  CHECK(trace_time(4s) == "4.00 s");
  CHECK(trace_time(4000s) == "4000 s");
}

TEST_CASE("an empty trace is a picture, too", "[trace]") {
  const roost::trace_recorder recorder;
  CHECK(overlap_in(xml::read(svg_text(recorder))) == "");
  CHECK(test::trace_of(recorder).faults() == "");
}
