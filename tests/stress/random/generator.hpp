// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "stress/random/program.hpp"
#include "support/dice.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace test::random {

/// Makes a program from a seed. Whatever comes out ends: its root has a deadline, or a verdict for
/// where nothing can go on; what these do not reach (a scope that does not inherit) has a deadline
/// of its own, and shields are short. It takes about a millisecond.
class generator {
 public:
  explicit generator(std::uint64_t seed) : random_(dice(seed).next()) { made_.seed = seed; }

  program make() {
    made_.shared = primitives();
    made_.pauses = random_.one_in(2);
    left_ = 6 + random_.below(30);
    made_.root =
        scope_like(random_.one_in(2) ? kind::scope : kind::with_scope, 3 + random_.below(2));
    policy& rules = made_.root.rules;
    rules.inherit = rules.covers_owner = true;
    rules.timeout = microseconds(200 + random_.below(2000));
    if (!wakes_from_outside(made_.root) && random_.one_in(3)) {
      rules.timeout = microseconds(0);
      rules.on_deadlock = roost::on_deadlock::stop;
    }
    return std::move(made_);
  }

 private:
  /// Whether something in it counts as a thing that may wake threads from outside of its root
  /// scope: a verdict does not come there.
  static bool wakes_from_outside(const node& root) {
    bool does =
        has(root, kind::background) || has(root, kind::stoppable) || has(root, kind::use_wire);
    for_each_node(root, [&](const node& n) { does = does || !n.rules.covers_owner; });
    return does;
  }

  primitives_plan primitives() {
    primitives_plan plan;
    for (channel_plan& c : plan.channels) {
      c.capacity = random_.one_in(12) ? 1100 : static_cast<std::size_t>(random_.below(4));
      c.is_unbounded = random_.one_in(6);
      c.closes_itself = random_.one_in(2);
      if (!c.is_unbounded && random_.one_in(4)) {
        c.when_full =
            random_.one_in(2) ? roost::overflow::drop_oldest : roost::overflow::drop_newest;
        c.capacity += 1;
      }
    }
    plan.permits = 1 + static_cast<std::size_t>(random_.below(3));
    plan.parties = 1 + static_cast<std::size_t>(random_.below(3));
    plan.kept = 1 + static_cast<std::size_t>(random_.below(3));
    if (random_.one_in(3))
      plan.slow_receivers = roost::overflow::drop_oldest;
    plan.period = microseconds(20 + random_.below(200));
    return plan;
  }

  node any_node(int levels) {
    if (levels == 0 || left_ <= 0 || random_.below(5) < 2)
      return operation();
    constexpr std::array structures{
        kind::sequence,   kind::sequence,   kind::scope,    kind::scope,     kind::with_scope,
        kind::with_scope, kind::background, kind::all,      kind::any,       kind::each,
        kind::transform,  kind::pipeline,   kind::shielded, kind::stoppable, kind::swallows,
        kind::swallows,   kind::holding,    kind::locked,   kind::counted,   kind::spawn,
        kind::spawn,      kind::spawn,
    };
    return structure(pick(structures), levels);
  }

  node structure(kind what, int levels) {
    switch (what) {
    case kind::scope:
    case kind::with_scope:
    case kind::background:
      return scope_like(what, levels);
    case kind::all:
    case kind::any:
    case kind::sequence:
      return with_children(what, 1 + random_.below(3), levels);
    default: // with one child
      return with_children(what, 1, levels);
    }
  }

  node with_children(kind what, int count, int levels) {
    node n = plain(what);
    for (int i = 0; i < count; ++i)
      n.children.push_back(any_node(levels - 1));
    return n;
  }

  node scope_like(kind what, int levels) {
    node n = plain(what);
    n.rules = rules(what);
    n.children.push_back(with_children(kind::sequence, 1 + random_.below(3), levels));
    for (int task = random_.below(4); task >= 0; --task)
      n.children.push_back(with_children(kind::sequence, 1 + random_.below(3), levels));
    return n;
  }

  policy rules(kind what) {
    policy p;
    if (random_.one_in(2)) {
      p.limit = 1 + static_cast<std::size_t>(random_.below(3));
      if (random_.one_in(2))
        p.backlog = static_cast<std::size_t>(random_.below(3));
    }
    if (random_.one_in(4))
      p.exit = roost::on_exit::stop;
    if (random_.one_in(3))
      p.errors = roost::on_error::collect;
    if (random_.one_in(4))
      p.timeout = microseconds(random_.below(800) + 1);
    p.covers_owner = what != kind::background && !random_.one_in(8);
    if (random_.one_in(8)) {
      p.inherit = false;
      if (p.timeout.count() == 0)
        p.timeout = microseconds(random_.below(800) + 1);
    }
    p.has_handler = random_.one_in(3);
    p.handler_throws = p.has_handler && random_.one_in(3);
    p.names_threads = random_.one_in(4);
    p.looks_at_failures = random_.one_in(6);
    if (random_.one_in(2))
      p.end = static_cast<leaving>(random_.below(5));
    return p;
  }

  node operation() {
    constexpr std::array operations{
        kind::send,       kind::send,        kind::send,         kind::send_all, kind::receive,
        kind::receive,    kind::receive,     kind::receive_some, kind::close,    kind::fail_channel,
        kind::publish,    kind::publish,     kind::hear,         kind::change,   kind::look,
        kind::set,        kind::await,       kind::await_group,  kind::arrive,   kind::arrive,
        kind::tick,       kind::use_wire,    kind::use_wire,     kind::select,   kind::select,
        kind::select,     kind::selector,    kind::selector,     kind::sleep,    kind::sleep,
        kind::checkpoint, kind::compute,     kind::compute,      kind::fail,     kind::fail,
        kind::stop_scope, kind::stop_source,
    };
    return plain(pick(operations));
  }

  node plain(kind what) {
    --left_;
    node n;
    n.what = what;
    n.number = number_++;
    n.object = random_.below(3);
    n.count = 1 + random_.below(4);
    n.variant = random_.below(1 << 16);
    n.patient = static_cast<patience>(random_.below(3));
    n.handle = static_cast<handling>(random_.below(4));
    n.time = microseconds(random_.one_in(4) ? 0 : random_.below(200));
    return n;
  }

  template <class Array>
  kind pick(const Array& kinds) {
    return kinds.at(static_cast<std::size_t>(random_.below(static_cast<int>(kinds.size()))));
  }

  dice random_;
  program made_;
  int left_ = 0; // nodes that may still be made, but for those that must
  int number_ = 0;
};

inline program make_program(std::uint64_t seed) {
  return generator(seed).make();
}

} // namespace test::random
