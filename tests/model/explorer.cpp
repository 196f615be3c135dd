// SPDX-License-Identifier: BSL-1.0

// Which orders are run: some at random, weighted by the steps that are left and by priorities, in
// turn: the library's own strategies for tests (roost/detail/testing/strategy.hpp), which find what
// a plain random walk seldom does. Then all within bounds, depth first: with two preemptions, and
// once that is done, with three.
//
// Each case is explored in a process of its own, which ends at the first failure. What was chosen
// lies in memory that it shares with this one: so a crash tells it, too.

#include "model/explorer.hpp"

#include <roost/detail/base/random.hpp>
#include <roost/detail/testing/run_plan.hpp>
#include <roost/detail/testing/strategy.hpp>

#include "model/world.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <limits>
#include <optional>
#include <sched.h>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace model {

namespace {

struct shared_notes {
  std::array<char, 1200> failure;
  bool unfinished;
  unsigned complete;
  unsigned long runs;
  unsigned long searched;
  double seconds;
  std::size_t choices;
  std::array<std::uint8_t, 1 << 16> chosen;
};
shared_notes* notes = nullptr;

using roost::detail::strategy;
using roost::detail::task_step;

enum class way { search, at_random };

// One choice of the exhaustive search, and what the others would cost.
struct branch {
  std::size_t at = 0; // the number of the choice in its run
  std::size_t chosen = 0;
  alternatives among;
};

struct explorer {
  way by = way::search;
  const schedule* replayed = nullptr;
  std::uint64_t random = 1;

  // of the search
  std::vector<branch> branches;
  std::size_t next_branch = 0;
  std::array<unsigned, prices> spent{};
  std::array<unsigned, prices> budget{};
  bool knows_shared = false; // what is shared is settled
  bool shared_grew = false;

  // of the random walks
  std::optional<strategy> order;
  bool times_pass = false;

  std::uint64_t draw(std::uint64_t below) noexcept {
    return roost::detail::next_random(random) % below;
  }
} the_explorer;

std::size_t choose_by_search(const alternatives& among) noexcept {
  explorer& e = the_explorer;
  if (among.is_hidden)
    return 0;
  if (e.next_branch < e.branches.size()) {
    const branch& b = e.branches[e.next_branch++];
    if (b.at != notes->choices || b.among.count != among.count)
      fail("the case does not repeat itself: it depends on something else than the order of its "
           "steps");
    ++e.spent[static_cast<std::size_t>(b.among.costs[b.chosen])];
    return b.chosen;
  }
  e.branches.push_back({notes->choices, 0, among});
  ++e.next_branch;
  ++e.spent[static_cast<std::size_t>(among.costs[0])];
  return 0;
}

std::size_t choose_at_random(const alternatives& among) noexcept {
  explorer& e = the_explorer;
  if (!among.is_about_threads)
    return e.draw(4) == 0 ? e.draw(among.count) : 0;
  std::array<task_step, 16> threads;
  std::size_t count = 0;
  for (std::size_t i = 0; i < among.count; ++i) {
    if (among.costs[i] != price::time)
      threads[count++].task = static_cast<std::uint32_t>(among.threads[i]);
    else if (e.times_pass && e.draw(32) == 0)
      return i;
  }
  if (count == 0)
    return 0;
  const auto is_before = [](task_step a, task_step b) { return a.task < b.task; };
  std::sort(threads.begin(), threads.begin() + static_cast<std::ptrdiff_t>(count), is_before);
  const auto chosen = static_cast<int>(threads[e.order->pick({threads.data(), count})].task);
  std::size_t which = 0;
  while (among.threads[which] != chosen || among.costs[which] == price::time)
    ++which;
  return which;
}

std::size_t choose_as_before(const schedule& from) noexcept {
  for (const auto& [at, which] : from) {
    if (at == notes->choices)
      return which;
  }
  return 0;
}

} // namespace

std::size_t choose(const alternatives& among) noexcept {
  explorer& e = the_explorer;
  std::size_t which = e.replayed != nullptr ? choose_as_before(*e.replayed)
                      : e.by == way::search ? choose_by_search(among)
                                            : choose_at_random(among);
  if (which >= among.count)
    which = 0;
  if (notes->choices < notes->chosen.size())
    notes->chosen[notes->choices++] = static_cast<std::uint8_t>(which);
  return which;
}

namespace {

// Which addresses more than one thread uses. Those that one uses alone are no places to change
// threads at.
struct use {
  const void* address = nullptr;
  std::uint32_t threads = 0;
  bool shared = false;
};
std::array<use, 1 << 14> uses;

bool is_power_of_two(std::uint32_t n) noexcept {
  return (n & (n - 1)) == 0;
}

void settle_shared() noexcept {
  for (use& u : uses)
    u.shared = !is_power_of_two(u.threads);
  the_explorer.shared_grew = false;
  the_explorer.knows_shared = true;
}

std::uintptr_t counters = 0;
std::size_t size_of_counters = 0;

} // namespace

void leave_out(const void* address, std::size_t size) noexcept {
  counters = reinterpret_cast<std::uintptr_t>(address);
  size_of_counters = size;
}

bool is_shared(const void* address, int thread) noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  if (at - counters < size_of_counters)
    return false;
  std::size_t i = (reinterpret_cast<std::uintptr_t>(address) >> 3) * 0x9e3779b1 % uses.size();
  while (uses[i].address != nullptr && uses[i].address != address)
    i = (i + 1) % uses.size();
  use& u = uses[i];
  u.address = address;
  u.threads |= std::uint32_t{1} << thread;
  if (!the_explorer.knows_shared)
    return true;
  the_explorer.shared_grew = the_explorer.shared_grew || (!u.shared && !is_power_of_two(u.threads));
  return u.shared;
}

void fail(const char* what) noexcept {
  std::snprintf(notes->failure.data(), notes->failure.size(), "%s", what);
  _exit(1);
}

namespace {

// Of the processor, so that it is explored as far on a busy machine.
double seconds() noexcept {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

void run_once(const model_case& c, bool traces) {
  explorer& e = the_explorer;
  notes->choices = 0;
  e.next_branch = 0;
  e.spent = {};
  begin_run(c.body, c.bounds.processors, traces);
  end_run();
  ++notes->runs;
  notes->seconds = seconds();
  check_end_of_run();
}

// To the next order of the search; false if there is none.
bool advance() {
  explorer& e = the_explorer;
  while (!e.branches.empty()) {
    branch& last = e.branches.back();
    std::array<unsigned, prices> before{};
    for (std::size_t i = 0; i + 1 < e.branches.size(); ++i)
      ++before[static_cast<std::size_t>(e.branches[i].among.costs[e.branches[i].chosen])];
    for (++last.chosen; last.chosen < last.among.count; ++last.chosen) {
      const auto cost = static_cast<std::size_t>(last.among.costs[last.chosen]);
      if (cost == 0 || before[cost] < e.budget[cost])
        return true;
    }
    e.branches.pop_back();
  }
  return false;
}

void run_at_random(const model_case& c, std::uint64_t seed, unsigned runs, double until) {
  explorer& e = the_explorer;
  e.by = way::at_random;
  e.random = seed;
  e.times_pass = c.bounds.times != 0;
  roost::detail::run_plan plan(seed);
  for (unsigned i = 0; i < runs && seconds() < until; ++i) {
    e.order.emplace(i % 2 == 0 ? plan.next_by_work_left() : plan.next_by_priority(4));
    e.order->make_room(most_threads, 2 * most_steps); // no memory is taken in a run
    run_once(c, false);
    plan.learn(e.order->record());
  }
  e.order.reset();
}

// Where a search is cut short.
struct cut {
  double until;
  unsigned long most_runs;
};

// All orders within the budget; again with more shared addresses, should the search find some.
// False if it was cut short.
bool search_all(const model_case& c, cut at) {
  explorer& e = the_explorer;
  unsigned long runs = 0;
  do {
    settle_shared();
    e.branches.clear();
    e.branches.reserve(20000); // no memory is taken in a run
    do {
      if (runs++ == at.most_runs || seconds() >= at.until)
        return false;
      run_once(c, false);
      ++notes->searched;
    } while (advance());
  } while (e.shared_grew);
  return true;
}

// With two preemptions first, which find most; three seldom come to their end.
void search(const model_case& c, const limits& l, double until) {
  explorer& e = the_explorer;
  e.by = way::search;
  const unsigned fewest = std::min(l.preemptions, 2U);
  for (unsigned preemptions = fewest; preemptions <= l.preemptions; ++preemptions) {
    const bool is_to_end = preemptions == fewest && l.complete_within != 0;
    const cut at = is_to_end ? cut{std::numeric_limits<double>::infinity(), l.complete_within}
                             : cut{until, std::numeric_limits<unsigned long>::max()};
    e.budget = {0, preemptions, l.stale_loads, l.times};
    if (!search_all(c, at)) {
      notes->unfinished = is_to_end;
      return;
    }
    notes->complete = preemptions;
  }
}

void crashed(int signal) {
  if (notes->failure[0] == 0)
    std::snprintf(notes->failure.data(),
                  notes->failure.size(),
                  "crash: signal %d (%s)",
                  signal,
                  strsignal(signal));
  _exit(1);
}

void in_process(const model_case& c, const options& o, const schedule* replayed, bool traces) {
  for (const int s : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL})
    std::signal(s, crashed);
  alarm(static_cast<unsigned>(20 * o.seconds) + 240); // SIGALRM: it hangs outside of the model
  if (!traces) {
    if (std::FILE* const nowhere = std::freopen("/dev/null", "w", stderr); nowhere == nullptr)
      _exit(2);
  }
  explorer& e = the_explorer;
  e.replayed = replayed;
  if (replayed != nullptr) {
    run_once(c, traces);
    _exit(0);
  }
  // First at random, which finds most faults soonest, and learns what is shared.
  run_at_random(c, 77, 60, seconds() + o.seconds);
  run_at_random(
      c, o.seed, o.random_runs != 0 ? o.random_runs : c.bounds.random_runs, seconds() + o.seconds);
  limits l = c.bounds;
  l.preemptions = o.preemptions != 0 ? o.preemptions : l.preemptions;
  if (l.exhaustively && o.searches)
    search(c, l, seconds() + o.seconds);
  if (notes->unfinished && !o.first_failure) { // more orders of a mutant are no fault of it
    std::snprintf(notes->failure.data(),
                  notes->failure.size(),
                  "the search is not at its end after %lu runs: the case is not small",
                  l.complete_within);
    _exit(1);
  }
  _exit(0);
}

} // namespace

outcome explore(const model_case& c, const options& o, const schedule* replayed, bool traces) {
  if (notes == nullptr) {
    void* const memory = mmap(
        nullptr, sizeof(shared_notes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
      std::abort();
    notes = static_cast<shared_notes*>(memory);
  }
  std::memset(static_cast<void*>(notes), 0, sizeof *notes);
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0)
    in_process(c, o, replayed, traces);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  outcome result;
  result.seconds = notes->seconds;
  result.runs = notes->runs;
  result.searched = notes->searched;
  result.complete = notes->complete;
  result.unfinished = notes->unfinished;
  result.failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
  if (result.failed) {
    result.failure = notes->failure.data();
    if (result.failure.empty())
      result.failure = "the process hangs or ends by itself, outside of the model";
    for (std::size_t i = 0; i < notes->choices; ++i) {
      if (notes->chosen[i] != 0)
        result.order.emplace_back(i, notes->chosen[i]);
    }
  }
  return result;
}

// Leaves out what need not be chosen for the run to fail in the same way.
outcome shortest(const model_case& c, const options& o, outcome failed) {
  constexpr std::size_t most = 300;
  constexpr std::size_t same = 16; // so many characters tell a failure from others
  if (failed.order.size() > most)
    return failed;
  for (std::size_t i = failed.order.size(); i-- > 0;) {
    schedule shorter = failed.order;
    shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(i));
    const outcome again = explore(c, o, &shorter, false);
    if (again.failed && again.failure.compare(0, same, failed.failure, 0, same) == 0) {
      failed.order = std::move(shorter);
      failed.failure = again.failure;
    }
  }
  return failed;
}

} // namespace model
