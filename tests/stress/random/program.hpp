// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// A program made at random, as a value: a tree of nodes, and the primitives that its nodes use.
// generator.hpp makes it, interpreter.hpp runs it, oracles.hpp judges what was seen.

namespace test::random {

using microseconds = std::chrono::microseconds;

/// What a node does. A structure runs its children; an operation has none.
enum class kind {
  sequence,   // its children, one after another
  scope,      // a task_scope in a block: its first child is the body, the others are tasks
  with_scope, // likewise
  background, // a background_scope, likewise
  all,        // when_all
  any,        // when_any
  each,       // for_each, with its only child for each element
  transform,  // likewise
  pipeline,   // a task sends through a channel of its own, the owner receives
  shielded,   // under a shield
  stoppable,  // under a stop_when
  swallows,   // catches what its child throws, stops as well, and goes on
  holding,    // with permits of a semaphore
  locked,     // with a mutex
  counted,    // with a token of a wait group
  spawn,      // its child is a task of the scope that the node is in

  send,
  send_all,
  receive,
  receive_some,
  close,
  fail_channel,
  publish, // to a broadcast
  hear,    // from it, by a receiver that subscribes now
  change,  // of a watch
  look,    // at it
  set,     // an event
  await,   // it
  await_group,
  arrive, // at a barrier
  tick,
  use_wire,
  select,
  selector,
  sleep,
  checkpoint,
  compute,
  fail,
  stop_scope,  // the one that the node is in
  stop_source, // that of the stop_whens
};

inline constexpr std::array kind_names{
    std::string_view("sequence"),    std::string_view("scope"),
    std::string_view("with_scope"),  std::string_view("background"),
    std::string_view("all"),         std::string_view("any"),
    std::string_view("each"),        std::string_view("transform"),
    std::string_view("pipeline"),    std::string_view("shielded"),
    std::string_view("stoppable"),   std::string_view("swallows"),
    std::string_view("holding"),     std::string_view("locked"),
    std::string_view("counted"),     std::string_view("spawn"),
    std::string_view("send"),        std::string_view("send_all"),
    std::string_view("receive"),     std::string_view("receive_some"),
    std::string_view("close"),       std::string_view("fail_channel"),
    std::string_view("publish"),     std::string_view("hear"),
    std::string_view("change"),      std::string_view("look"),
    std::string_view("set"),         std::string_view("await"),
    std::string_view("await_group"), std::string_view("arrive"),
    std::string_view("tick"),        std::string_view("use_wire"),
    std::string_view("select"),      std::string_view("selector"),
    std::string_view("sleep"),       std::string_view("checkpoint"),
    std::string_view("compute"),     std::string_view("fail"),
    std::string_view("stop_scope"),  std::string_view("stop_source"),
};
static_assert(kind_names.size() == static_cast<std::size_t>(kind::stop_source) + 1);

/// How long an operation waits, where it has a form for that.
enum class patience { endless, limited, none };

/// How a scope's block is left, besides by what its body throws.
enum class leaving { by_end, by_join, after_wait_for, by_stop, by_exception };

/// What becomes of the handle of a spawned task.
enum class handling { dropped, got, stopped_and_got, waited_for };

/// Of scopes; the limit of `each` and `transform`, too.
struct policy {
  std::size_t limit = roost::unlimited;
  std::size_t backlog = 1024;
  roost::on_exit exit = roost::on_exit::join;
  roost::on_error errors = roost::on_error::fail_fast;
  roost::on_deadlock on_deadlock = roost::on_deadlock::ignore;
  microseconds timeout{0}; // 0: none
  microseconds stall_after{std::chrono::seconds(10)};
  bool inherit = true;
  bool covers_owner = true;
  bool has_handler = false;
  bool handler_throws = false;
  bool names_threads = false;
  bool looks_at_failures = false;
  leaving end = leaving::by_end;
};

struct node {
  kind what = kind::sequence;
  int number = 0;  // its place in the program
  int object = 0;  // which of the primitives of its kind
  int count = 1;   // of items, elements, permits, cases
  int variant = 0; // which form of the operation, where there are several
  patience patient = patience::limited;
  handling handle = handling::dropped;
  microseconds time{0};
  policy rules;
  std::vector<node> children;
};

struct channel_plan {
  std::size_t capacity = 0;
  bool is_unbounded = false;
  roost::overflow when_full = roost::overflow::block;
  bool closes_itself = false; // when the body of the program, and what sends, have ended

  bool may_drop() const { return when_full == roost::overflow::drop_oldest; }
};

/// What all nodes of a program share.
struct primitives_plan {
  std::array<channel_plan, 3> channels;
  std::size_t permits = 1;
  std::size_t parties = 2; // of the barrier
  std::size_t kept = 2;    // by the broadcast
  roost::overflow slow_receivers = roost::overflow::block;
  microseconds period{50};
};

struct program {
  std::uint64_t seed = 0;
  primitives_plan shared;
  node root; // a scope or a with_scope, which ends by its deadline at the latest, or by a verdict
  bool pauses = false; // between the steps of its nodes
};

/// Calls `f` with each node, outer ones first.
template <class F>
void for_each_node(const node& n, F&& f) {
  f(n);
  for (const node& child : n.children)
    for_each_node(child, f);
}

inline bool has(const node& n, kind what) {
  bool found = false;
  for_each_node(n, [&](const node& each) { found = found || each.what == what; });
  return found;
}

inline int depth(const node& n) {
  int deepest = 0;
  for (const node& child : n.children)
    deepest = std::max(deepest, depth(child));
  return deepest + 1;
}

inline int size(const node& n) {
  int count = 0;
  for_each_node(n, [&](const node&) { ++count; });
  return count;
}

// --- as a text ------------------------------------------------------------------

inline std::string rules_of(const node& n) {
  const policy& p = n.rules;
  std::string text;
  const auto add = [&](bool is_so, const std::string& words) { text += is_so ? " " + words : ""; };
  add(p.limit != roost::unlimited, "limit=" + std::to_string(p.limit));
  add(p.limit != roost::unlimited && p.backlog != 1024, "backlog=" + std::to_string(p.backlog));
  add(p.exit == roost::on_exit::stop, "exit=stop");
  add(p.errors == roost::on_error::collect, "collect");
  add(p.on_deadlock == roost::on_deadlock::stop, "on_deadlock=stop");
  add(p.timeout.count() != 0, "timeout=" + std::to_string(p.timeout.count()) + "us");
  add(!p.inherit, "inherit=false");
  add(!p.covers_owner, "covers_owner=false");
  add(p.has_handler, p.handler_throws ? "on_failure=throws" : "on_failure");
  add(p.looks_at_failures, "failures()");
  constexpr std::array ends{"", "join", "wait_for", "request_stop", "throw"};
  add(p.end != leaving::by_end, ends.at(static_cast<std::size_t>(p.end)));
  return text;
}

inline void append(std::string& text, const node& n, std::size_t indent) {
  constexpr std::array waits{" endless", " limited", " try"};
  constexpr std::array handles{"", " get", " stop+get", " wait_for"};
  text += std::string(indent, ' ') + std::to_string(n.number) + " ";
  text += kind_names.at(static_cast<std::size_t>(n.what));
  if (n.what != kind::sequence) {
    text += std::string(waits.at(static_cast<std::size_t>(n.patient))) +
            " object=" + std::to_string(n.object) + " count=" + std::to_string(n.count) +
            " variant=" + std::to_string(n.variant) + " time=" + std::to_string(n.time.count());
  }
  text += handles.at(static_cast<std::size_t>(n.handle)) + rules_of(n) + "\n";
  for (const node& child : n.children)
    append(text, child, indent + 2);
}

inline std::string to_text(const program& p) {
  std::string text = "seed " + std::to_string(p.seed) + (p.pauses ? ", with pauses\n" : "\n");
  for (const channel_plan& c : p.shared.channels) {
    constexpr std::array policies{"block", "drop_oldest", "drop_newest"};
    text += "  channel: capacity " +
            (c.is_unbounded ? std::string("unbounded") : std::to_string(c.capacity)) + ", " +
            policies.at(static_cast<std::size_t>(c.when_full)) +
            (c.closes_itself ? ", closes itself" : "") + "\n";
  }
  text += "  " + std::to_string(p.shared.permits) + " permits, " +
          std::to_string(p.shared.parties) + " parties, broadcast of " +
          std::to_string(p.shared.kept) + ", tick each " + std::to_string(p.shared.period.count()) +
          " us\n";
  append(text, p.root, 2);
  return text;
}

} // namespace test::random
