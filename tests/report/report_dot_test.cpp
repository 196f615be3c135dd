// SPDX-License-Identifier: BSL-1.0
// A report as a graph.
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/sample_report.hpp"

#include <regex>
#include <set>
#include <sstream>
#include <string>

using test::sample_report;

namespace {

/// The names of the nodes. Fails for a line that is neither the frame, a node nor an edge between
/// nodes.
std::set<std::string> nodes_of(const std::string& dot) {
  const std::string quoted = R"("(?:[^"\\]|\\.)*")";
  const std::string value = "(?:" + quoted + "|[a-z]+)";
  const std::string list = R"(\[)"
                           "[a-z]+=" +
                           value + "(?:, [a-z]+=" + value + R"()*\];)";
  const std::regex node("  ([a-z]+[0-9]*) " + list);
  const std::regex edge("  ([a-z]+[0-9]+) -> ([a-z]+[0-9]+) " + list);
  std::set<std::string> nodes;
  std::set<std::string> used;
  std::istringstream lines(dot);
  std::string line;
  REQUIRE(std::getline(lines, line));
  CHECK(line == "digraph roost {");
  while (std::getline(lines, line) && line != "}") {
    std::smatch parts;
    if (std::regex_match(line, parts, edge)) {
      used.insert(parts[1]);
      used.insert(parts[2]);
    } else if (std::regex_match(line, parts, node)) {
      if (parts[1] != "node")
        CHECK(nodes.insert(parts[1]).second);
    } else {
      CHECK(line == "  rankdir=LR;");
    }
  }
  CHECK(line == "}");
  CHECK_FALSE(std::getline(lines, line));
  for (const std::string& name : used) {
    INFO(name);
    CHECK(nodes.count(name) == 1);
  }
  return nodes;
}

} // namespace

TEST_CASE("a graph has a node for each scope, task and object", "[report]") {
  sample_report sample;
  sample.scope(1, "ingest");
  roost::blocked_report& b = sample_report::block(sample.task(7, 1, "parse"), 88);
  b.waits_for[0].peer = {8, "merge", {"merge.cpp", "merge", 12}};
  sample.task(8, 1, "merge");
  sample.scope(2, "inner").parent_task = 8;
  const std::string dot = to_dot(sample.r);
  INFO(dot);
  CHECK(nodes_of(dot) == std::set<std::string>{"object1", "scope1", "scope2", "task7", "task8"});
  CHECK(dot.find("  task8 -> scope2 [") != std::string::npos);
  CHECK(dot.find("  task7 -> object1 [style=dashed") != std::string::npos);
  CHECK(dot.find("  object1 -> task8 [style=dotted]") != std::string::npos);
  CHECK(dot.find("outside roost, thread 4243\"") != std::string::npos);
}

TEST_CASE("in a graph tasks that wait each for something of their own share its node, too",
          "[report]") {
  sample_report sample;
  sample.scope(1, "s");
  for (std::uint64_t id = 10; id < 13; ++id)
    sample_report::block(sample.task(id, 1, "ask"), 30).waits_for[0].id = id;
  const std::string dot = to_dot(sample.r);
  INFO(dot);
  CHECK(nodes_of(dot) == std::set<std::string>{"scope1", "task10", "timer1"});
  CHECK(dot.find("each its own; 2/2, 1 receiver") != std::string::npos);
}

TEST_CASE("in a graph tasks that do the same share a node", "[report]") {
  sample_report sample;
  sample.scope(1, "s");
  for (std::uint64_t id = 10; id < 13; ++id)
    sample_report::block(sample.task(id, 1, "store"), 30);
  // One that waits for the second of them.
  sample_report::block(sample.task(13, 1, "asks"), 31).waits_for = {
      {2, "task", "store", "task #11", 11, {}}};
  const std::string dot = to_dot(sample.r);
  INFO(dot);
  CHECK(nodes_of(dot) == std::set<std::string>{"object1", "scope1", "task10", "task13"});
  CHECK(dot.find("  task13 -> task10 [") != std::string::npos);
}

TEST_CASE("any name may be in a graph", "[report]") {
  sample_report sample;
  sample.scope(1, "\"quoted\" \\ back\nline\x01\xff]; }");
  const std::string dot = to_dot(sample.r);
  INFO(dot);
  CHECK(nodes_of(dot) == std::set<std::string>{"scope1"});
  CHECK(dot.find("\\\"quoted\\\" \\\\ back line ?]; }") != std::string::npos);
}

TEST_CASE("a graph of nothing is one", "[report]") {
  CHECK(nodes_of(to_dot(roost::report())).empty());
}
