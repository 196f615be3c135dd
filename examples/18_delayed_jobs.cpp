// SPDX-License-Identifier: BSL-1.0
// Jobs run later, each at its time, and one is called off. Notice that one thread waits for all of
// them: a selector asks a timer when it is due and not before, so there may be thousands. Handlers
// may add and remove cases.
#include <roost.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <iostream>
#include <map>
#include <string>

using namespace std::chrono_literals;

namespace {

struct order {
  std::string name;
  roost::clock::time_point when;
  std::function<void()> job; // empty: it is called off
};

void run_later(const roost::receiver<order>& orders) {
  roost::selector all;
  std::map<std::string, std::size_t> keys;
  all.add(roost::on_receive(orders, [&](auto o) {
    if (!o)
      return; // no more orders; the jobs that are there still run
    if (o->job)
      keys[o->name] = all.add(roost::on_deadline(o->when, o->job));
    else
      all.remove(keys[o->name]);
  }));
  while (!all.empty())
    all.select();
}

} // namespace

int main() {
  auto orders = roost::make_channel<order>(16);
  const auto now = roost::clock::now();
  int early = 0;
  int rung = 0;
  const auto ring_at = [&](roost::clock::time_point when) {
    return [&, when] { ++(roost::clock::now() < when ? early : rung); };
  };
  for (auto when = now; when < now + 30ms; when += 3ms)
    (void)orders.tx.send({"alarm", when, ring_at(when)});
  (void)orders.tx.send({"much later", now + 24h, ring_at(now + 24h)});
  (void)orders.tx.send({"much later", {}, nullptr});
  orders.tx.close();
  run_later(orders.rx);
  std::cout << "rung: " << rung << ", too early: " << early << '\n';
}

// Output:
//   rung: 10, too early: 0
