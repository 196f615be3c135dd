// SPDX-License-Identifier: BSL-1.0

#include <roost/event.hpp>
#include <roost/semaphore.hpp>
#include <roost/wait_group.hpp>

#include "model/model.hpp"
#include "model/stoppable.hpp"

#include <chrono>
#include <memory>
#include <utility>

namespace {

using namespace std::chrono_literals;

// --- wait_group and event: the waiter may destroy it at once ---------------------------

MODEL_CASE("wait_group: the waiter destroys it while done() returns", .complete_within = 20000) {
  auto group = std::make_unique<roost::wait_group>();
  group->add();
  int work = 0;
  model::together(
      [&] {
        group->wait();
        model::check(work == 1, "what was done is not there");
        group.reset();
      },
      [g = group.get(), &work] {
        work = 1;
        g->done();
      });
}

MODEL_CASE("wait_group: the last of two wakes", .complete_within = 20000) {
  roost::wait_group group;
  group.add(2);
  int work = 0;
  int more = 0;
  model::together(
      [&] {
        group.wait();
        model::check(work == 1 && more == 1, "what was done is not there");
      },
      [&] {
        work = 1;
        group.done();
      },
      [&] {
        more = 1;
        group.done();
      });
}

MODEL_CASE("wait_group: two waiters") {
  roost::wait_group group;
  group.add();
  const auto wait = [&] { group.wait(); };
  model::together(wait, wait, [&] { group.done(); });
}

MODEL_CASE("wait_group: done at the deadline", .complete_within = 20000) {
  roost::wait_group group;
  group.add();
  int work = 0;
  model::together(
      [&] {
        if (group.wait_for(1ms))
          model::check(work == 1, "what was done is not there");
      },
      [&] {
        work = 1;
        group.done();
      });
}

MODEL_CASE("wait_group: done against a stop") {
  roost::wait_group group;
  group.add();
  const auto domain = model::make_domain();
  model::together([&] { model::is_stopped_in(domain, [&] { group.wait(); }); },
                  [&] { group.done(); },
                  [&] { model::stop(domain); });
}

MODEL_CASE("event: the waiter destroys it while set() returns", .complete_within = 20000) {
  auto ready = std::make_unique<roost::event>();
  int work = 0;
  model::together(
      [&] {
        ready->wait();
        model::check(work == 1, "what was done is not there");
        ready.reset();
      },
      [e = ready.get(), &work] {
        work = 1;
        e->set();
      });
}

MODEL_CASE("event: set by two", .complete_within = 40000) {
  roost::event ready;
  const auto set = [&] { ready.set(); };
  model::together([&] { ready.wait(); }, set, set);
}

// --- semaphore ---------------------------------------------------------------------------

MODEL_CASE("semaphore: one permit for three", .complete_within = 20000) {
  roost::semaphore s(1);
  int holders = 0;
  const auto use = [&] {
    const auto permit = s.acquire();
    model::check(++holders == 1, "two have the one permit");
    --holders;
  };
  model::together(use, use, use);
  model::check(s.available() == 1, "a permit is lost");
}

MODEL_CASE("semaphore: two for the first waiter, one for another", .complete_within = 20000) {
  roost::semaphore s(2);
  model::together(
      [&] { (void)s.acquire(2); }, [&] { (void)s.acquire(1); }, [&] { (void)s.acquire(2); });
  model::check(s.available() == 2, "a permit is lost");
}

MODEL_CASE("semaphore: the first waiter gives up", .times = 2) {
  roost::semaphore s(2);
  auto held = s.acquire(1);
  model::together([&] { (void)s.acquire_for(1ms, 2); }, [&] { (void)s.acquire(1); });
  held.release();
  model::check(s.available() == 2, "a permit is lost");
}

MODEL_CASE("semaphore: the first waiter is stopped") {
  roost::semaphore s(2);
  auto held = s.acquire(1);
  const auto domain = model::make_domain();
  model::together([&] { model::is_stopped_in(domain, [&] { (void)s.acquire(2); }); },
                  [&] { (void)s.acquire(1); },
                  [&] { model::stop(domain); });
  held.release();
  model::check(s.available() == 2, "a permit is lost");
}

MODEL_CASE("semaphore: a permit comes at the deadline", .complete_within = 20000) {
  roost::semaphore s(1);
  auto held = s.acquire();
  model::together([&] { (void)s.acquire_for(1ms); }, [&] { held.release(); });
  model::check(s.available() == 1, "a permit is lost");
}

} // namespace
