// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "stress/random/observations.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

// What must hold of any program, whatever its nodes are and however its threads ran. Each oracle
// is a function of what was seen; it returns what is wrong, or nothing.

namespace test::random {

inline std::string to_text(const item_fate& i) {
  return "accepted " + std::to_string(i.accepted.get()) + ", received " +
         std::to_string(i.received.get()) + ", kept " + std::to_string(i.kept.get()) +
         ", dropped " + std::to_string(i.dropped.get());
}
inline std::string to_text(const failure_fate& f) {
  return "of scope " + std::to_string(f.scope) + ", thrown by its end " +
         std::to_string(f.thrown_by_end.get()) + ", handled " + std::to_string(f.handled.get()) +
         ", hooked " + std::to_string(f.hooked.get()) + ", shown " + std::to_string(f.shown.get()) +
         ", caught " + std::to_string(f.caught.get()) + ", passed " +
         std::to_string(f.passed.get());
}
inline std::string to_text(const scope_fate& s) {
  return "node " + std::to_string(s.node) + (s.is_over ? "" : ", not over") +
         (s.is_cut ? ", cut" : "") + ", spawned " + std::to_string(s.spawned.get()) + ", begun " +
         std::to_string(s.begun.get()) + ", stopped alone " +
         std::to_string(s.stopped_alone.get()) + ", most " + std::to_string(s.most.get()) + " of " +
         std::to_string(s.limit);
}

/// The first `made` of `all`, as far as `is_wrong` says so.
template <class Fates, class IsWrong>
std::string wrong_ones(const Fates& all, const count& made, const char* what, IsWrong is_wrong) {
  std::string text;
  for (int i = 0; i < made.get() && text.size() < 300; ++i) {
    const auto& fate = all.at(static_cast<std::size_t>(i));
    if (is_wrong(fate))
      text += std::string(what) + " " + std::to_string(i) + ": " + to_text(fate) + "; ";
  }
  return text;
}

/// Each item has exactly one end: received, dropped where that is allowed, or kept by its sender.
inline std::string no_item_lost_or_doubled(const observations& seen) {
  return wrong_ones(seen.items, seen.items_made, "item", [](const item_fate& i) {
    const bool was_accepted = i.accepted.get() == 1;
    return i.accepted.get() > 1 || i.received.get() + i.kept.get() + i.dropped.get() != 1 ||
           (i.received.get() == 1 && !was_accepted) || (i.kept.get() == 1 && was_accepted) ||
           (i.dropped.get() == 1 && was_accepted && !i.may_be_dropped);
  });
}

inline std::string items_in_order(const observations& seen) {
  return seen.out_of_order.get() == 0 ? "" : "a receiver got later items of a sender first";
}

inline std::string items_whole(const observations& seen) {
  return seen.torn_items.get() == 0 ? "" : "a send says other than its variable";
}

inline std::string nothing_alive(const observations& seen) {
  return seen.items_alive.get() == 0 && seen.news_alive.get() == 0 &&
                 seen.callables_alive.get() == 0 && seen.tasks_alive == 0 &&
                 seen.threads_blocked == 0
             ? ""
             : "items " + std::to_string(seen.items_alive.get()) + ", news " +
                   std::to_string(seen.news_alive.get()) + ", callables " +
                   std::to_string(seen.callables_alive.get()) + ", tasks " +
                   std::to_string(seen.tasks_alive) + ", blocked " +
                   std::to_string(seen.threads_blocked);
}

/// By the scope's end, its handler, or the hook, and never by two of them; or by failures(). If a
/// handle's get() throws it, too, it may pass the scope's body, which then fails with it once more.
/// So may the body of a with_scope inside, with what a wait has thrown there for a scope around.
/// If a wait has thrown it, and the scope's block is left by another exception, the scope takes
/// that for it.
inline std::string each_failure_told_once(const observations& seen) {
  return wrong_ones(seen.failures, seen.failures_made, "failure", [&](const failure_fate& f) {
    const scope_fate& s = seen.scopes.at(static_cast<std::size_t>(f.scope));
    const bool was_shown = f.shown.get() != 0;
    const int told = f.handled.get() + f.hooked.get() + f.thrown_by_end.get();
    const int most =
        was_shown ? std::max({f.handled.get(), f.hooked.get(), f.thrown_by_end.get()}) : told;
    const bool need_not =
        was_shown || s.drops_failures || (f.caught.get() != 0 && s.is_left_by_exception);
    return most > 1 + f.passed.get() || (told == 0 && !need_not);
  });
}

inline std::string limits_kept(const observations& seen) {
  const std::string text =
      wrong_ones(seen.scopes, seen.scopes_made, "scope", [](const scope_fate& s) {
        return s.limit != 0 && s.most.get() > s.limit;
      });
  return text + (seen.too_many_permits.get() == 0 ? "" : "more permits held than there are; ") +
         (seen.not_exclusive.get() == 0 ? "" : "two threads inside of a mutex; ");
}

/// A scope that nothing cuts short runs each of its tasks; any scope runs none twice, and ends.
inline std::string no_task_lost_or_doubled(const observations& seen) {
  return wrong_ones(seen.scopes, seen.scopes_made, "scope", [&](const scope_fate& s) {
    const bool may_lack = s.is_cut || seen.refuses_threads;
    return !s.is_over || s.running.get() != 0 || s.begun.get() > s.spawned.get() ||
           (!may_lack && s.begun.get() < s.spawned.get() - s.stopped_alone.get());
  });
}

inline std::string results_right(const observations& seen) {
  return seen.wrong_results.get() == 0 ? "" : "a result is another one's";
}

inline std::string news_complete(const observations& seen) {
  return std::string(seen.news_missed.get() == 0 ? "" : "a receiver of a broadcast missed some; ") +
         (seen.went_backwards.get() == 0 ? "" : "a watch went backwards; ");
}

/// Nobody passes a barrier before as many as it is for have arrived.
inline std::string barrier_holds(const observations& seen) {
  const int parties = static_cast<int>(seen.parties);
  return seen.dropped_out.get() != 0 || seen.passed.get() <= seen.arrived.get() / parties * parties
             ? ""
             : std::to_string(seen.passed.get()) + " passed, " +
                   std::to_string(seen.arrived.get()) + " arrived";
}

inline std::string all_given_back(const observations& seen) {
  return std::string(seen.permits == seen.permits_back ? "" : "a permit is missing; ") +
         (seen.mutexes_are_free ? "" : "a mutex is held; ") +
         (seen.groups_are_empty ? "" : "a wait group counts; ") +
         (seen.left_waiting == 0 ? "" : "a waiter is left linked; ");
}

inline std::string threads_back(const observations& seen) {
  return seen.threads_more == 0 ? "" : std::to_string(seen.threads_more) + " threads more";
}

struct oracle {
  std::string_view name;
  std::string (*what_is_wrong)(const observations&);
};

inline constexpr std::array oracles{
    oracle{"no item is lost or doubled", &no_item_lost_or_doubled},
    oracle{"items come in the order of their sender", &items_in_order},
    oracle{"a send tells what became of its item", &items_whole},
    oracle{"nothing is alive", &nothing_alive},
    oracle{"each failure is told once", &each_failure_told_once},
    oracle{"limits are kept", &limits_kept},
    oracle{"no task is lost or doubled", &no_task_lost_or_doubled},
    oracle{"results are right", &results_right},
    oracle{"news are complete and in order", &news_complete},
    oracle{"a barrier waits for all", &barrier_holds},
    oracle{"permits, mutexes and tokens are back", &all_given_back},
    oracle{"threads are back", &threads_back},
};

/// What all oracles say; nothing if all is well.
inline std::string judge(const observations& seen) {
  std::string text;
  for (const oracle& o : oracles) {
    const std::string wrong = o.what_is_wrong(seen);
    if (!wrong.empty())
      text += "not so: " + std::string(o.name) + ": " + wrong + "\n";
  }
  return text;
}

} // namespace test::random
