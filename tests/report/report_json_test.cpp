// SPDX-License-Identifier: BSL-1.0
// A report as JSON.
#include <roost.hpp>

#include "support/catch.hpp"
#include "support/json.hpp"
#include "support/sample_report.hpp"

#include <string>
#include <vector>

using test::json;
using test::sample_report;

TEST_CASE("the tests' reader of JSON refuses what is none", "[report]") {
  CHECK(json::read("{\"a\": [1, null, \"x\"]}")["a"][2].text() == "x");
  for (const char* wrong : {"",
                            "{",
                            "[1,]",
                            "{\"a\": 1,}",
                            "{\"a\" 1}",
                            "{\"a\": 1} 2",
                            "{\"a\": 1, \"a\": 2}",
                            "[01]",
                            "\"line\nbreak\"",
                            "\"\\x\"",
                            "nul",
                            "{a: 1}"}) {
    INFO(wrong);
    CHECK_THROWS(json::read(wrong));
  }
}

TEST_CASE("a report without anything is JSON", "[report]") {
  const json j = json::read(to_json(roost::report()));
  CHECK(j["format"].number() == 1);
  CHECK(j["scopes"].size() == 0);
  CHECK(j["tasks"].size() == 0);
  CHECK(j["left_out"].number() == 0);
  CHECK(j["deadlocks"].size() == 0);
  CHECK(j.keys() == std::vector<std::string>{"deadlocks", "format", "left_out", "scopes", "tasks"});
}

TEST_CASE("JSON has the fields of a scope", "[report]") {
  sample_report sample;
  roost::scope_report& s = sample.scope(1, "ingest");
  s.running = 2;
  s.limit = 8;
  s.stop = {roost::stop_reason::requested, "enough", "boss", {"app.cpp", "main", 90}, {}};
  sample.scope(2, "inner").parent_scope = 1;
  const json j = json::read(to_json(sample.r));
  const json& outer = j["scopes"][0];
  CHECK(outer.keys() == std::vector<std::string>{"age_ms",
                                                 "id",
                                                 "limit",
                                                 "name",
                                                 "owner",
                                                 "owner_state",
                                                 "owner_thread",
                                                 "parent_scope",
                                                 "parent_task",
                                                 "queued",
                                                 "running",
                                                 "stop",
                                                 "where"});
  CHECK(outer["id"].number() == 1);
  CHECK(outer["name"].text() == "ingest");
  CHECK(outer["where"].text() == "app.cpp:41");
  CHECK(outer["age_ms"].number() == 3204);
  CHECK(outer["limit"].number() == 8);
  CHECK(outer["running"].number() == 2);
  CHECK(outer["parent_scope"].is_null());
  CHECK(outer["owner"].is_null());
  CHECK(outer["stop"]["reason"].text() == "requested");
  CHECK(outer["stop"]["message"].text() == "enough");
  CHECK(outer["stop"]["task"].text() == "boss");
  CHECK(outer["stop"]["where"].text() == "app.cpp:90");
  CHECK(j["scopes"][1]["parent_scope"].number() == 1);
  CHECK(j["scopes"][1]["limit"].is_null());
  CHECK(j["scopes"][1]["stop"].is_null());
}

TEST_CASE("JSON has the fields of a task and of what it waits for", "[report]") {
  sample_report sample;
  sample.scope(1, "ingest");
  roost::blocked_report& b = sample_report::block(sample.task(7, 1, "parse"), 88);
  b.waits_for[0].peer = {11, "merge", {"merge.cpp", "merge", 12}};
  sample.task(8, 1, "runs");
  const json j = json::read(to_json(sample.r));
  const json& t = j["tasks"][0];
  CHECK(t.keys() == std::vector<std::string>{"age_ms",
                                             "blocked",
                                             "id",
                                             "last_blocked",
                                             "name",
                                             "scope",
                                             "spawned",
                                             "state",
                                             "thread",
                                             "thread_state"});
  CHECK(t["state"].text() == "blocked");
  CHECK(t["thread"].number() == 4243);
  CHECK(t["spawned"].text() == "app.cpp:47");
  const json& blocked = t["blocked"];
  CHECK(blocked.keys() == std::vector<std::string>{"detail",
                                                   "for_ms",
                                                   "holds",
                                                   "object",
                                                   "operation",
                                                   "runs",
                                                   "until_deadline",
                                                   "waits_for",
                                                   "where"});
  CHECK(blocked["operation"].text() == "sender::send");
  CHECK(blocked["for_ms"].number() == 2999);
  CHECK_FALSE(blocked["until_deadline"].truth());
  CHECK(blocked["runs"].is_null());
  const json& object = blocked["waits_for"][0];
  CHECK(object.keys() == std::vector<std::string>{"detail", "id", "kind", "name", "peer", "task"});
  CHECK(object["kind"].text() == "channel");
  CHECK(object["task"].is_null());
  CHECK(object["peer"]["task"].number() == 11);
  CHECK(object["peer"]["name"].text() == "merge");
  CHECK(object["peer"]["where"].text() == "merge.cpp:12");
  CHECK(j["tasks"][1]["blocked"].is_null());
}

TEST_CASE("any name is JSON", "[report]") {
  const auto name_of = [](const char* name) {
    sample_report sample;
    sample.scope(1, name);
    return json::read(to_json(sample.r))["scopes"][0]["name"].text();
  };
  CHECK(name_of("\"quoted\" \\ back") == "\"quoted\" \\ back");
  CHECK(name_of("line\nbreak\ttab\x01\x7f") == "line\nbreak\ttab\x01\x7f");
  CHECK(name_of("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x94") ==
        "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x94");
  const std::string replaced = "\xef\xbf\xbd";
  CHECK(name_of("cut \xc3") == "cut " + replaced); // a character's first byte alone
  CHECK(name_of("\x80"
                "a") == replaced + "a");                            // a later byte alone
  CHECK(name_of("\xc0\xaf") == replaced + replaced);                // too long for what it says
  CHECK(name_of("\xed\xa0\x80") == replaced + replaced + replaced); // a surrogate
}
