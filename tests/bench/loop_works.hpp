// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/arguments.hpp"
#include "bench/stopwatch.hpp"

#include <cmath>
#include <cstddef>
#include <numeric>
#include <string_view>
#include <vector>

namespace bench {

/// A peer with parallel loops gives
///
///     static void for_each(std::vector<double>& values, F f);                       // f(double&)
///     type around_loops; // lives around all rounds, as in a program that has many loops
///     static std::vector<double> transform(const std::vector<double>& values, F f);
template <class Peer>
concept has_loops = requires(std::vector<double>& values, double (*f)(double)) {
  Peer::transform(values, f);
};

template <class Peer, class F>
void for_each(std::size_t elements, std::size_t rounds, F f) {
  std::vector<double> values(elements);
  std::iota(values.begin(), values.end(), 1.0);
  std::vector<double> wanted = values;
  const spent all =
      time_after_first(rounds, [&] { Peer::for_each(values, [f](double& x) { x = f(x); }); });
  for (std::size_t i = 0; i < rounds + 1; ++i) {
    for (double& x : wanted)
      x = f(x);
  }
  check(values == wanted, "for_each left out an element, or took it twice");
  print(all, static_cast<double>(elements * rounds));
}

template <class Peer, class F>
void transform(std::size_t elements, std::size_t rounds, F f) {
  std::vector<double> values(elements);
  std::iota(values.begin(), values.end(), 1.0);
  std::vector<double> results;
  const spent all = time_after_first(rounds, [&] { results = Peer::transform(values, f); });
  for (double& x : values)
    x = f(x);
  check(results == values, "transform gave wrong results");
  print(all, static_cast<double>(elements * rounds));
}

/// Stands for a function that takes a while: a call, so that no program's loop takes two at once.
[[gnu::noinline]] inline double medium(double x) {
  for (int i = 0; i < 100; ++i)
    x = std::sqrt(x + i);
  return x;
}

/// Calls `g` with what the next argument says is to be done with each element.
template <class G>
void with_function(arguments& args, const G& g) {
  const std::string_view name = args.next();
  if (name == "cheap") {
    g([](double x) { return 2 * x + 1; });
  } else if (name == "sqrt") {
    g([](double x) { return std::sqrt(x); });
  } else if (name == "medium") {
    g([](double x) { return medium(x); });
  } else {
    throw not_offered();
  }
}

/// False if it is none of these works, or the peer has no loops.
template <class Peer>
bool run_loop_work(std::string_view work, arguments& args) {
  if constexpr (has_loops<Peer>) {
    if (work == "for_each" || work == "transform") {
      [[maybe_unused]] const typename Peer::around_loops threads_stay;
      with_function(args, [&](auto f) {
        const std::size_t elements = args.number();
        const std::size_t rounds = args.number();
        work == "for_each" ? for_each<Peer>(elements, rounds, f)
                           : transform<Peer>(elements, rounds, f);
      });
      return true;
    }
  }
  return false;
}

} // namespace bench
