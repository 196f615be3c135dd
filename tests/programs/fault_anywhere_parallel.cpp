// SPDX-License-Identifier: BSL-1.0
// Each allocation and each creation of a thread fails in turn, on whatever thread, in what runs
// several functions at once: an exception comes out or the result is right, and nothing is left.
#include <roost.hpp>

#include "support/at_exit.hpp"
#include "support/expect.hpp"
#include "support/faults.hpp"
#include "support/scripted_range.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <exception>
#include <new>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using test::attack;
using test::expect;
using test::expect_refusal_or_nothing;

namespace {

const char* const long_text = "a text that is too long to lie in the string itself";
constexpr std::size_t many = 6;

// --- when_all, when_any ----------------------------------------------------------------

std::string make_text() {
  return long_text;
}

void all_of_some() {
  bool right = false;
  const std::exception_ptr error = attack([&] {
    const auto [one, text, nothing] = roost::when_all([] { return 1; }, &make_text, [] {});
    right = one == 1 && text == long_text;
  });
  expect_refusal_or_nothing(error);
  expect(right == (error == nullptr), "the results or an exception");
}

void all_of_a_range() {
  bool right = false;
  const std::array calls{&make_text, &make_text, &make_text};
  const std::exception_ptr error = attack(
      [&] { right = roost::when_all(calls) == std::vector<std::string>(calls.size(), long_text); });
  expect_refusal_or_nothing(error);
  expect(right == (error == nullptr), "the results or an exception");
}

/// Null, a refusal, or a list of refusals.
void expect_refusals_or_nothing(const std::exception_ptr& error) {
  try {
    if (error)
      std::rethrow_exception(error);
  } catch (const roost::exception_list& all) {
    for (const roost::failure& f : all.failures())
      expect_refusal_or_nothing(f.error);
  } catch (...) {
    expect_refusal_or_nothing(error);
  }
}

void any_of_some() {
  bool right = false;
  const std::exception_ptr error = attack([&] {
    roost::event over;
    const auto loses = [&]() -> int {
      over.wait();
      throw std::bad_alloc(); // as if it had had no memory: this may be what when_any throws
    };
    const auto wins = [&] {
      const test::at_exit note([&] { over.set(); });
      return make_text();
    };
    const auto result = roost::when_any(loses, wins, loses);
    right = result.index() == 1 && std::get<1>(result) == long_text;
  });
  expect_refusals_or_nothing(error);
  expect(right == (error == nullptr), "the result or an exception");
}

void any_of_a_range() {
  bool right = false;
  const std::array calls{&make_text, &make_text};
  const std::exception_ptr error =
      attack([&] { right = roost::when_any(calls).second == long_text; });
  expect_refusals_or_nothing(error);
  expect(right == (error == nullptr), "the result or an exception");
}

struct boom {
  unsigned bit;
};

std::atomic<unsigned> told{0};

void tell(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const boom& b) {
    told |= b.bit;
  } catch (const roost::exception_list& all) {
    for (const roost::failure& f : all.failures())
      tell(f.error);
  } catch (...) { // a refusal
  }
}

void any_where_all_fail() {
  std::atomic<unsigned> thrown{0};
  told = 0;
  const auto failing = [&](unsigned bit) {
    return [&thrown, bit] {
      thrown |= bit;
      throw boom{bit};
    };
  };
  const std::exception_ptr error =
      attack([&] { roost::when_any(failing(1), failing(2), failing(4)); });
  expect(error != nullptr, "it throws");
  tell(error);
  expect(told == thrown, "each failure is told");
}

// --- for_each, transform -------------------------------------------------------------

/// Each element is visited once at most, and all are if nothing is thrown.
template <class Range>
void loop_over(Range&& range) {
  std::array<std::atomic<int>, many> visits{};
  const std::exception_ptr error = attack([&] {
    roost::for_each(range, [&](int i) { ++visits.at(static_cast<std::size_t>(i)); }, {.limit = 3});
  });
  expect_refusal_or_nothing(error);
  expect(std::all_of(visits.begin(),
                     visits.end(),
                     [&](int n) { return n == 1 || (n == 0 && error != nullptr); }),
         "each element is visited once, or an exception tells why not");
}

std::vector<int> numbers() {
  std::vector<int> all(many);
  for (std::size_t i = 0; i < many; ++i)
    all[i] = static_cast<int>(i);
  return all;
}

void loops_over_indices() {
  loop_over(numbers());
}

void loops_without_indices() {
  loop_over(test::scripted_range{static_cast<int>(many)});
}

void loops_over_channels() {
  auto ch = roost::make_channel<int>(many);
  for (std::size_t i = 0; i < many; ++i)
    expect(bool(ch.tx.send(static_cast<int>(i))), "there is room");
  ch.tx.close();
  loop_over(ch.rx);
}

template <class Range, class F>
void transform_of(const Range& range, F f) {
  using result = decltype(f(0));
  std::vector<result> wanted;
  for (const int i : numbers())
    wanted.push_back(f(i));
  bool right = false;
  const std::exception_ptr error =
      attack([&] { right = roost::transform(range, f, {.limit = 3}) == wanted; });
  expect_refusal_or_nothing(error);
  expect(right == (error == nullptr), "the results or an exception");
}

void transforms_into_places() {
  transform_of(numbers(), [](int i) { return long_text + std::to_string(i); });
}

void transforms_by_index() {
  transform_of(test::scripted_range{static_cast<int>(many)}, [](int i) { return i != 3; });
}

void a_loop_in_a_task() {
  std::atomic<int> visited{0};
  const std::exception_ptr error = attack([&] {
    roost::task_scope scope({.limit = 1});
    scope.spawn([&] { roost::for_each(numbers(), [&](int) { ++visited; }, {.limit = 2}); });
  });
  expect_refusal_or_nothing(error);
  expect(error != nullptr || visited == int{many}, "if nothing is thrown all are visited");
}

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main() {
  roost::set_unobserved_failure_hook([](const roost::failure& f) { tell(f.error); });
  test::with_each_fault("all of some", &all_of_some);
  test::with_each_fault("all of a range", &all_of_a_range);
  test::with_each_fault("any of some", &any_of_some);
  test::with_each_fault("any of a range", &any_of_a_range);
  test::with_each_fault("any where all fail", &any_where_all_fail);
  test::with_each_fault("loops over indices", &loops_over_indices);
  test::with_each_fault("loops without indices", &loops_without_indices);
  test::with_each_fault("loops over channels", &loops_over_channels);
  test::with_each_fault("transforms into places", &transforms_into_places);
  test::with_each_fault("transforms by index", &transforms_by_index);
  test::with_each_fault("a loop in a task", &a_loop_in_a_task);
  return test::exit_code();
}
