// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include "support/gate.hpp"
#include "support/probe.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace test {

/// A scope that runs one task at a time, with one that runs until it is let go.
struct busy_scope {
  explicit busy_scope(roost::on_error errors = roost::on_error::fail_fast)
      : scope({.limit = 1, .errors = errors}) {
    scope.spawn("busy", [this] { busy.pass(); });
  }
  gate busy;
  roost::task_scope scope;
};

/// Held by callables: its count tells how many of them are left.
using captured = std::shared_ptr<int>;

/// A scope that runs one task at a time. One runs until it is let go, and the backlog is full.
class full_scope {
 public:
  explicit full_scope(roost::scope_options options = {}) : scope(limited(std::move(options))) {
    const auto first = scope.spawn("busy", [this] {
      busy.pass();
      if (fails)
        throw std::runtime_error("the busy one's");
    });
    wait_until([&] { return busy.arrivals() == 1 || first.ready(); }); // or its deadline came
    for (std::size_t i = 0; i < options.backlog; ++i)
      queued.push_back(scope.spawn("in the queue", [this, c = callables] { ++ran; }));
  }

  gate busy;
  std::atomic<bool> fails{false};
  std::atomic<int> ran{0};
  captured callables = std::make_shared<int>();
  std::vector<roost::task_handle<void>> queued;
  roost::task_scope scope;

 private:
  static roost::scope_options limited(roost::scope_options options) {
    options.limit = 1;
    return options;
  }
};

} // namespace test
