// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/requirements.hpp>

#if defined(min) || defined(max)
#error "roost/testing.hpp cannot be compiled with a macro max(): define NOMINMAX for <windows.h>"
#elif ROOST_IS_SUPPORTED

#if defined(_MSC_VER)
#pragma warning(push)
#pragma warning(disable : 4324 5030) // as in roost.hpp
#endif

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/pieces.hpp>
#include <roost/detail/base/throw_misuse.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/sync/yield.hpp>
#include <roost/detail/testing/bubble_body.hpp>
#include <roost/detail/testing/bubble_run.hpp>
#include <roost/detail/testing/bubble_watch.hpp>
#include <roost/detail/testing/exploration.hpp>
#include <roost/detail/testing/leak_search.hpp>
#include <roost/report.hpp>
#include <roost/site.hpp>
#include <roost/task_scope.hpp>
#include <roost/this_task.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace roost::inline v0 {

/// For tests of code that uses roost. It is not part of roost.hpp, and needs no test framework.
namespace testing {

/// How a bubble is made.
struct bubble_options {
  /// If something that roost does not know has kept the time from passing for this long, by the
  /// system's clock, while a task waits for it, or if nothing at all moves, the report sink is told
  /// which task holds it up; once, until time passes again.
  detail::any_duration patience = std::chrono::seconds(2);
};

/// Calls `body()` or `body(scope)` on this thread in a root scope of its own, in which time is
/// virtual: it stands still while any task runs, and jumps to the next deadline once all wait.
/// Returns what the body returns.
///
/// ```cpp
/// roost::testing::bubble([] {
///   const auto begin = roost::clock::now();
///   retry_for_an_hour([] { return false; });      // sleeps, timeouts, tickers: microseconds
///   CHECK(roost::clock::now() - begin == 1h);     // and exact
/// });
/// ```
///
/// All that the body and its tasks do, on all threads that roost starts for them, is in the bubble,
/// as if the body ran on a thread of its own; threads outside, and other bubbles, see their own
/// time. Inside, roost::clock::now() is the bubble's time. It begins with the system's, and all
/// times that roost is given or waits for count by it: sleeps, timeouts, deadlines, tickers. So
/// take points in time from roost::clock: std::chrono::steady_clock::now() lags behind once time
/// has passed. Things due at the same time happen in the order in which they were asked for, each
/// when all woken before it wait again.
///
/// What holds time up: a task that computes or waits in a call that roost does not know, such as
/// std::this_thread::sleep_for or a std::condition_variable's wait; a loop until clock::now() is
/// late enough, which never ends without a sleep in it; a blocking_region; an outside_waker; a wait
/// for a descriptor, even one with a timeout, which then never passes. After two seconds the report
/// sink is told which.
///
/// Errors: throws what with_scope() throws for such a body: the first failure. Where all wait, and
/// no deadline will wake one of them, it throws a deadlock_error with the report; only an
/// outside_waker tells it that a thread outside may wake them. Inside another bubble, and where
/// threads of this one go on after its end because a scope made in it is kept outside, it throws
/// std::logic_error.
/// Cancellation: a stop of the task around does not reach the bubble. Threads: any may make one,
/// and many may at a time. Cost: a thread, which checks whether time is held up, and some
/// microseconds for each wait.
template <class F>
decltype(auto) bubble(const bubble_options& options, F&& body, site where = site::current());

/// The same without options.
template <class F>
  requires(!std::is_convertible_v<F, const bubble_options&>)
decltype(auto) bubble(F&& body, site where = site::current()) {
  return testing::bubble(bubble_options(), std::forward<F>(body), where);
}

/// How many runs explore() makes, and of what length.
struct explore_options {
  /// In how many orders the body is run.
  std::size_t runs = 1000;

  /// The seed from which all orders come; 0 takes another one each time.
  std::uint64_t seed = 0;

  /// A run that takes more steps fails.
  std::size_t most_steps = 100'000;

  /// As bubble_options::patience, for a task that does not come to its next call of roost. That
  /// report has the seed and the order so far.
  detail::any_duration patience = std::chrono::seconds(2);
};

/// What explore() throws: what() tells what went wrong, in which run, and the seed.
class explore_error : public std::runtime_error {
 public:
  /// `seed` repeats the run, and `error` is what was thrown in it.
  explore_error(const std::string& text, std::string seed, std::exception_ptr error)
      : runtime_error(text),
        found_(std::make_shared<const found>(found{std::move(seed), std::move(error)})) {}

  /// For replay().
  const std::string& seed() const noexcept { return found_->seed; }
  /// What the body, or a task, has thrown.
  const std::exception_ptr& error() const noexcept { return found_->error; }

 private:
  struct found {
    std::string seed;
    std::exception_ptr error;
  };
  std::shared_ptr<const found> found_; // shared: exceptions are copied
};

/// Runs `body` in bubbles, one after another, each time with the steps of its tasks in another
/// order: so it finds faults that show only if a task is held up at one unlucky place.
///
/// ```cpp
/// roost::testing::explore([] {
///   roost::mutex guards;                      // all that a run uses is made in it
///   int loads = 0;
///   roost::task_scope scope;
///   for (int i = 0; i < 2; ++i) {
///     scope.spawn([&] {
///       bool is_there = false;
///       {
///         const roost::mutex::guard held(guards);
///         is_there = loads != 0;
///       }
///       const roost::mutex::guard held(guards);
///       loads += is_there ? 0 : 1;            // wrong: both may have found that it is not
///     });
///   }
///   scope.join();
///   if (loads != 1)                           // a REQUIRE of a test framework will do, too
///     throw std::logic_error("loaded twice");
/// });
/// ```
///
/// One task at a time goes on, from one call of roost to the next; at each call explore() chooses
/// which task is next. It has several ways to choose, in turn: by chance, by the work that is left,
/// and by priorities that change a few times, which finds faults that need two or three steps in a
/// certain order. What tasks do between two calls of roost is one step: guard what they share by a
/// roost::mutex, and not by a std::mutex that is held across a call of roost: a task that waits for
/// the std::mutex never comes to its next call. For the same reason the callback of a
/// std::stop_callback must not wait; and request_stop(), which such callbacks call, belongs to the
/// step before it, but for what it wakes. Time is that of a bubble. What depends on the number of
/// processors, such as how many tasks a for_each without a limit has at a time, goes as on a
/// machine with four: a seed repeats the run on any machine.
///
/// Errors: where the body or a task throws, where all wait for ever, and where a run takes too many
/// steps, the seed and the order are told to the report sink, and an explore_error is thrown. (A
/// body that returns something is refused by the compiler: it would be lost.) The explore_error
/// also says if a second run with the seed went another way: then the body depends on something
/// else, such as random numbers, addresses, a real clock, or threads that are not roost's.
/// The environment variable ROOST_SEED may hold a seed that was reported, which is then the only
/// one that runs; a number there takes the place of options.seed. Cost: that of the threads of each
/// run, and some microseconds a step.
template <class F>
void explore(const explore_options& options, F&& body, site where = site::current());

/// The same with the usual options.
template <class F>
  requires(!std::is_convertible_v<F, const explore_options&>)
void explore(F&& body, site where = site::current()) {
  testing::explore(explore_options(), std::forward<F>(body), where);
}

/// Runs `body` once, in the order of a seed that explore() has reported, and throws what it throws.
/// The options may be those of that explore(): only `most_steps` and `patience` mean something
/// here.
///
/// Errors: std::invalid_argument for a text that is no seed; std::runtime_error where a seed that
/// is a path cannot be followed, because the body is another one or depends on something else, and
/// where the run takes too many steps.
template <class F>
void replay(const explore_options& options,
            F&& body,
            std::string_view seed,
            site where = site::current());

/// The same with the usual options.
template <class F>
  requires(!std::is_convertible_v<F, const explore_options&>)
void replay(F&& body, std::string_view seed, site where = site::current()) {
  testing::replay(explore_options(), std::forward<F>(body), seed, where);
}

/// Returns once at least `tasks` tasks of the scope are blocked, each in a call of roost or in a
/// blocking_region: so a test can go on from that moment without a sleep. Tasks of nested scopes do
/// not count, but a task that waits for the end of a nested scope does.
///
/// ```cpp
/// scope.spawn([&] { (void)rx.receive(); });
/// roost::testing::wait_until_blocked(scope, 1); // now it waits for an item
/// ```
///
/// Errors: if that does not happen within 10 s, std::runtime_error with a report of the scope.
/// Cancellation: as a wait; so if a task fails first, the owner gets what the task has thrown.
/// Threads: any, while the scope is open. Cost: a report of the scope for each look.
void wait_until_blocked(task_scope& scope, std::size_t tasks, site where = site::current());

/// What a leak_check throws: what() tells all that is left.
struct leak_error : std::runtime_error {
  using runtime_error::runtime_error;
};

/// Checks that all that is started while it lives has ended by its end: tasks, scopes (such as a
/// background_scope in an object that is kept), and threads, where the system lists them (Linux).
///
/// ```cpp
/// TEST_CASE("a service ends") {
///   const roost::testing::leak_check check; // first, so that it is the last to go
///   service s;
///   s.answer("a question");
/// } // throws leak_error: what is left, and where
/// ```
///
/// A thread that has just ended is listed for a moment longer, so it looks again until nothing is
/// left, for as long as its patience. Idle threads that roost keeps for a scope made before the
/// check do not count. It looks at the whole process: nothing else may start or end tasks and
/// threads meanwhile, as tests that run side by side would; run those in processes of their own.
///
/// Errors: the destructor throws leak_error, but not while an exception unwinds its block: then it
/// prints the same text to stderr. Cancellation: none. Cost: a report of the whole process.
class [[nodiscard]] leak_check {
 public:
  /// Notes what is there.
  explicit leak_check(detail::any_duration patience = std::chrono::seconds(2),
                      site where = site::current());
  leak_check(const leak_check&) = delete;
  leak_check& operator=(const leak_check&) = delete;
  /// Looks, unless check() has; see above.
  ~leak_check() noexcept(false); // NOLINT(bugprone-exception-escape): it is for that

  /// Looks now, and throws leak_error. The destructor does not look any more.
  void check();

 private:
  std::string left() const;

  detail::leak_search before_;
  clock::duration patience_;
  site where_;
  int exceptions_ = std::uncaught_exceptions();
  bool is_over_ = false;
};

} // namespace testing

// --- implementation ---------------------------------------------------------

template <class F>
decltype(auto) testing::bubble(const bubble_options& options, F&& body, site where) {
  constexpr bool callable = detail::is_bubble_body<F>;
  static_assert(callable,
                "roost::testing::bubble: the body must be callable without arguments, or with a "
                "roost::task_scope&");
  if constexpr (callable) {
    detail::kept_result<detail::result_of_bubble_body<F>> result;
    detail::bubble_watch watch(options.patience);
    detail::run_bubble(
        {watch}, [&](task_scope& scope) { result.keep_of(body, scope); }, where);
    return result.take();
  }
}

/// `body` as what is run in each order.
template <class F>
detail::bubble_body detail::body_to_explore(F& body) {
  constexpr bool callable = is_bubble_body<F>;
  static_assert(callable,
                "roost::testing: the body must be callable without arguments, or with a "
                "roost::task_scope&");
  if constexpr (callable) {
    static_assert(std::is_void_v<result_of_bubble_body<F>>,
                  "roost::testing: what the body returns would be lost, as it is run in many "
                  "orders; let it return nothing, and throw where something is wrong");
    return [&body](task_scope& scope) { (void)detail::call_bubble_body(body, scope); };
  } else {
    return {};
  }
}

template <class F>
void testing::explore(const explore_options& options, F&& body, site where) {
  detail::bubble_watch watch(options.patience);
  detail::run_exploration({options.runs, options.seed, options.most_steps, watch},
                          detail::body_to_explore(body),
                          where);
}

template <class F>
void testing::replay(const explore_options& options, F&& body, std::string_view seed, site where) {
  detail::bubble_watch watch(options.patience);
  detail::run_again({1, 0, options.most_steps, watch}, detail::body_to_explore(body), seed, where);
}

#if ROOST_HAS_BODIES

ROOST_COLD_BODY void detail::throw_explore_error(const std::string& text,
                                                 const std::string& seed,
                                                 const std::exception_ptr& error) {
  throw testing::explore_error(text, seed, error);
}

ROOST_COLD_BODY void testing::wait_until_blocked(task_scope& scope, std::size_t tasks, site where) {
  const auto end = detail::sync::system_now() + std::chrono::seconds(10); // also in a bubble
  for (;;) {
    this_task::checkpoint();
    const report now = scope.report();
    const std::uint64_t id = now.scopes.empty() ? 0 : now.scopes.front().id;
    const auto blocked = static_cast<std::size_t>(
        std::count_if(now.tasks.begin(), now.tasks.end(), [id](const task_report& t) {
          return t.scope == id && t.state == task_state::blocked;
        }));
    if (blocked >= tasks)
      return;
    if (detail::sync::system_now() > end) {
      throw std::runtime_error(detail::joined({"roost: wait_until_blocked at ",
                                               where,
                                               ": ",
                                               blocked,
                                               " of ",
                                               tasks,
                                               " tasks are blocked after 10 s\n",
                                               to_text(now)}));
    }
    detail::sync::yield();
  }
}

ROOST_COLD_BODY testing::leak_check::leak_check(detail::any_duration patience, site where)
    : patience_(patience),
      where_(where) {}

// NOLINTNEXTLINE(bugprone-exception-escape): as above
ROOST_COLD_BODY testing::leak_check::~leak_check() noexcept(false) {
  if (is_over_)
    return;
  if (std::uncaught_exceptions() == exceptions_) {
    check();
    return;
  }
  try {
    std::fputs(left().c_str(), stderr);
  } catch (...) { // no memory for the text: there is no one to tell
  }
}

ROOST_COLD_BODY void testing::leak_check::check() {
  is_over_ = true;
  if (const std::string text = left(); !text.empty())
    throw leak_error(text);
}

// Threads that end are listed for a moment longer than their joins take.
ROOST_COLD_BODY std::string testing::leak_check::left() const {
  constexpr clock::duration longest = std::chrono::hours(24);
  const auto end = detail::sync::system_now() + std::min(patience_, longest); // also in a bubble
  for (;;) {
    const bool is_last_look = detail::sync::system_now() >= end;
    std::string text = before_.left_since(where_);
    if (text.empty() || is_last_look)
      return text;
    detail::sync::yield();
  }
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0

#if defined(_MSC_VER)
#pragma warning(pop)
#endif

#endif // ROOST_IS_SUPPORTED
