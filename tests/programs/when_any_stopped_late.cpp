// SPDX-License-Identifier: BSL-1.0
// A stop from outside that comes when a when_any has its answer, and has not yet stopped the
// others: the answer is returned. That moment is found by the allocation for the text of their
// stop.
#include <roost.hpp>

#include "support/expect.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>
#include <string>
#include <utility>
#include <variant>

using test::expect;

namespace {

// Called by the second allocation of the thread that sets it: the first is for the answer.
thread_local void (*at_second_allocation)() = nullptr;
thread_local int allocations = 0;

roost::task_scope* around = nullptr;
bool stopped_in_between = false;

void stop_around() {
  stopped_in_between = around->request_stop("from outside");
}

// Not inlined, or the compiler takes malloc and delete for a pair.
[[gnu::noinline]] void* allocate(std::size_t size) {
  void* const memory = std::malloc(size); // NOLINT(cppcoreguidelines-no-malloc): what new is
  if (memory == nullptr)
    throw std::bad_alloc();
  return memory;
}

[[gnu::noinline]] void release(void* memory) noexcept {
  std::free(memory); // NOLINT(cppcoreguidelines-no-malloc): what delete is
}

} // namespace

void* operator new(std::size_t size) {
  if (at_second_allocation != nullptr && ++allocations == 2)
    std::exchange(at_second_allocation, nullptr)();
  return allocate(size);
}
void operator delete(void* memory) noexcept {
  release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  release(memory);
}

int main() { // NOLINT(bugprone-exception-escape): then the test has failed
  roost::event never;
  roost::event begun;
  std::string loser_heard;
  int answer = 0;
  std::string thrown = "nothing";
  {
    roost::task_scope scope;
    around = &scope;
    const auto lose = [&] {
      begun.set();
      try {
        never.wait();
      } catch (const roost::stopped& s) {
        loser_heard = s.cause().message;
        throw;
      }
      return 1;
    };
    const auto win = [&] {
      begun.wait();
      allocations = 0;
      at_second_allocation = &stop_around;
      return 2;
    };
    try {
      answer = std::get<1>(roost::when_any(lose, win));
    } catch (const roost::stopped&) {
      thrown = "stopped";
    }
    expect(roost::this_task::stop_requested(), "the caller is stopped");
  }
  expect(stopped_in_between, "the stop comes between the answer and the others' stop");
  expect(loser_heard == "from outside", "it is what stops the other one");
  expect(thrown == "nothing" && answer == 2, "the answer is returned");
  return test::exit_code();
}
