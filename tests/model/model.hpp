// SPDX-License-Identifier: BSL-1.0
#pragma once

// What cases are written with. A case is a small program; each run of it is one order of its steps.

#include <roost/detail/sync/start_thread.hpp>

#include "model/runtime.hpp"

#include <array>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

namespace model {

/// How far a case is explored. The bounds are of what an exhaustive search may choose in one run.
struct limits {
  unsigned preemptions = 3; // changes to another thread where the one that runs could go on
  unsigned stale_loads = 1; // loads of what is not the newest
  unsigned times = 1;       // deadlines that pass while other threads could go on
  unsigned random_runs = 1000;
  std::size_t processors = 2;
  bool exhaustively = true;
  // A small case: so many runs are enough for all orders with two preemptions. The search then
  // takes as long as they take, and a case that has more orders fails. 0: its time may cut it
  // short.
  unsigned long complete_within = 0;
  const char* fails_with = nullptr; // a case that must fail: part of what is said
};

class model_case {
 public:
  model_case(const char* file, const char* name, void (*body)(), limits l = {}) noexcept;

  const char* file;
  const char* name;
  void (*body)();
  limits bounds;
  model_case* next = nullptr;
};

inline void check(bool holds, const char* what) noexcept {
  if (!holds)
    fail(what);
}

/// The calling thread calls the first, new threads call the others; returns when all have.
template <class First, class... Others>
void together(First first, Others... others) {
  const auto start = [](auto& f) {
    return roost::detail::start_thread(
        [](void* on) {
          try {
            (*static_cast<std::decay_t<decltype(f)>*>(on))();
            forget_stack();
          } catch (...) {
            fail("an exception leaves a thread");
          }
        },
        &f);
  };
  std::array<roost::detail::sync::thread, sizeof...(Others)> threads{start(others)...};
  first();
  forget_stack();
  for (auto& t : threads)
    t.join();
}

/// MODEL_CASE("its name", .times = 2) { its body }: the limits may be left out.
#define MODEL_CASE(name, ...) MODEL_CASE_NUMBERED(__COUNTER__, name, __VA_ARGS__)
#define MODEL_CASE_NUMBERED(number, name, ...) MODEL_CASE_NAMED(number, name, __VA_ARGS__)
#define MODEL_CASE_NAMED(number, name, ...)                                                        \
  static void case_##number();                                                                     \
  static const model::model_case registered_##number(                                              \
      __FILE__, name, case_##number, model::limits{__VA_ARGS__});                                  \
  static void case_##number()

} // namespace model
