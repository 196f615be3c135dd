// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include "support/catch.hpp"
#include "support/channel_forms.hpp"

#include <chrono>
#include <cstddef>
#include <list>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

// All ways that a value takes through roost, for item types of strange manners: each function gives
// back the sum of what came. A type T has a member `number`; T{n} makes one.

namespace test {

/// Callables for T, with the manners of their base.
template <class T, class Manners>
struct calls {
  struct task : Manners {
    explicit task(int n) : number(n) {}
    T operator()() const { return T{number}; }
    int number;
  };

  /// Of cases: adds what came.
  struct handler : Manners {
    explicit handler(int& s) : sum(&s) {}
    void operator()() const {}
    template <class Result>
    void operator()(Result result) const {
      if constexpr (requires { result->number; })
        *sum += result ? result->number : 0;
    }
    int* sum;
  };

  struct copier : Manners {
    T operator()(const T& item) const { return item; }
  };
};

template <class T>
int sum_of(const std::vector<T>& items) {
  int sum = 0;
  for (const T& item : items)
    sum += item.number;
  return sum;
}

/// 1, 10, 100 and 1000 one by one, and 20000 past a sender that waits.
template <class T>
int one_by_one(std::size_t capacity) {
  auto [tx, rx] = roost::make_channel<T>(capacity);
  auto waiting = roost::make_channel<T>();
  int sum = 0;
  roost::task_scope scope;
  T item{1};
  const T constant{10};
  (void)tx.send(std::move(item));
  (void)tx.send(constant);
  (void)tx.try_send(T{100});
  (void)tx.try_send(T{1000});
  scope.spawn([&] {
    (void)waiting.tx.send(T{10000});
    (void)waiting.tx.send(T{10000});
    waiting.tx.close();
  });
  for (const T& came : waiting.rx)
    sum += came.number;
  const auto first = rx.receive();
  sum += first->number;
  sum += rx.try_receive().value().number;
  auto third = rx.receive();
  sum += (*third).number;
  const auto last = rx.begin();
  sum += last->number;
  (void)rx.try_receive();
  return sum;
}

/// 1, 10, 100: all at once; 2000 is refused, and stays where it is.
template <class T>
int many_at_once(std::size_t capacity) {
  auto [tx, rx] = roost::make_channel<T>(capacity);
  std::vector<T> some;
  some.push_back(T{1});
  some.push_back(T{10});
  (void)tx.send_all(std::move(some));
  const std::vector<T> copied(1, T{100});
  (void)tx.send_all(copied);
  std::vector<T> came(1, T{0});
  (void)rx.receive_some(came, 10);
  tx.close();
  std::vector<T> refused(1, T{2000});
  (void)tx.send_all(std::move(refused));
  T also_refused{20000};
  (void)try_send_from(tx, also_refused);
  return sum_of(came) + sum_of(refused) + also_refused.number; // NOLINT(bugprone-use-after-move)
}

/// 1, 10, 100 and 1000 by cases of a select and a selector.
template <class T, class Calls>
int by_cases() {
  using handler = typename Calls::handler;
  auto [tx, rx] = roost::make_channel<T>(4);
  int sum = 0;
  T item{1};
  const T constant{10};
  roost::select(roost::on_send(tx, std::move(item), handler(sum)));
  roost::select(roost::on_send(tx, constant, handler(sum)));
  T kept{100};
  roost::selector all;
  all.add(roost::on_send(tx, std::move(kept), handler(sum)));
  (void)all.select();
  all.add(roost::on_send(tx, T{1000}, handler(sum)));
  (void)all.select();
  all.add(roost::on_receive(rx, handler(sum)));
  (void)all.select();
  (void)all.select();
  roost::select(roost::on_receive(rx, handler(sum)));
  roost::select_biased(roost::on_receive(rx, handler(sum)),
                       roost::on_timeout(std::chrono::hours(1), handler(sum)));
  return sum;
}

/// 1, 10 and 100 by a broadcast and 1000, 20000 and 20000 by a watch.
template <class T, class Calls>
int to_all() {
  using handler = typename Calls::handler;
  const roost::broadcast<T> tx(4);
  const auto rx = tx.subscribe();
  int sum = 0;
  T item{1};
  (void)tx.send(std::move(item));
  (void)tx.try_send(T{10});
  roost::select(roost::on_send(tx, T{100}, handler(sum)));
  sum += rx.receive()->number;
  const auto second = rx.receive();
  sum += (*second).number;
  roost::select(roost::on_receive(rx, handler(sum)));
  const roost::watch<T> current(T{1000});
  const auto seen = current.subscribe();
  sum += seen.begin()->number;
  (void)current.set(T{20000});
  roost::select(roost::on_change(seen, handler(sum)));
  return sum + current.get().number;
}

/// 1 ... 1000 in loops over a channel, a broadcast and a watch, and as elements and results.
template <class T, class Calls>
int in_loops() {
  const auto copier = typename Calls::copier();
  int sum = 0;
  {
    auto [tx, rx] = roost::make_channel<T>(1);
    (void)tx.send(T{1});
    tx.close();
    roost::for_each(rx, [&](const T& item) { sum += item.number; });
  }
  {
    const roost::broadcast<T> tx(1);
    const auto rx = tx.subscribe();
    (void)tx.send(T{10});
    tx.close();
    roost::for_each(rx, [&](const T& item) { sum += item.number; });
  }
  {
    const roost::watch<T> current(T{100});
    const auto rx = current.subscribe();
    current.close();
    sum += sum_of(roost::transform(rx, copier));
  }
  const std::vector<T> indexed(500, T{1});
  sum += sum_of(roost::transform(indexed, copier));
  const std::list<T> listed(500, T{1});
  sum += sum_of(roost::transform(listed, copier));
  roost::for_each(indexed, copier);
  return sum;
}

/// 1 ... 100000 as results of tasks.
template <class T, class Calls>
int as_results() {
  using task = typename Calls::task;
  int sum = 0;
  roost::task_scope scope;
  auto handle = scope.spawn(task(1));
  sum += handle.get().number;
  const auto [second, third] = roost::when_all(task(10), task(100));
  sum += second.number + third.number;
  sum += sum_of(roost::when_all(std::vector<task>(10, task(100))));
  sum += std::get<0>(roost::when_any(task(10000))).number;
  sum += roost::when_any(std::vector<task>(1, task(100000))).second.number;
  return sum;
}

/// Sends values of T every way, by callables of Calls.
template <class T, class Calls>
void check_all_ways() {
  CHECK(one_by_one<T>(4) == 21111);
  CHECK(one_by_one<T>(1000) == 21111);
  CHECK(many_at_once<T>(4) == 22111);
  CHECK(many_at_once<T>(1000) == 22111);
  CHECK((by_cases<T, Calls>()) == 1111);
  CHECK((to_all<T, Calls>()) == 41111);
  CHECK((in_loops<T, Calls>()) == 1111);
  CHECK((as_results<T, Calls>()) == 111111);
}

} // namespace test
