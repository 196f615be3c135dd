// SPDX-License-Identifier: BSL-1.0
// expect-success
// flags: -Wuseless-cast -Wnon-virtual-dtor -Weffc++
// never: -W(useless-cast|non-virtual-dtor)]
// What users compile with warnings that the project's own code is not compiled with. Most of the
// library is templates: so this uses all of it.
#include <roost.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

std::string text;
std::string& refer() {
  return text;
}
const auto ignore = [](auto&&) {};

template <class T>
void use_channel(T item) {
  const auto ch = roost::make_channel<T>(1);
  (void)ch.tx.send(std::move(item));
  (void)ch.tx.send_for(T(), 1s);
  (void)ch.tx.try_send(T());
  (void)ch.tx.send_all(std::vector<T>());
  (void)ch.rx.receive().value();
  (void)ch.rx.receive_for(1s);
  (void)ch.rx.try_receive();
  std::vector<T> items;
  (void)ch.rx.receive_some(items, 2);
  for (T& received : ch.rx)
    (void)received;
  roost::select(roost::on_receive(ch.rx, ignore), roost::on_send(ch.tx, T(), ignore));
  (void)roost::transform(ch.rx, [](const T&) { return 1; });
  (void)roost::weak_sender<T>(ch.tx).lock();
}

void use_scopes() {
  roost::background_scope tasks;
  roost::task_scope scope({.name = "all", .limit = 2, .timeout = 1h});
  scope.spawn([](const std::stop_token&) {});
  (void)scope.spawn("refers", refer).get();
  (void)scope.try_spawn([] { return std::make_unique<int>(1); });
  (void)roost::with_scope([](roost::task_scope&) -> std::string& { return text; });
  (void)roost::with_scope([](roost::task_scope&) -> std::string&& { return std::move(text); });
  (void)roost::when_all(
      refer, [] {}, [] { return 1; });
  (void)roost::when_any(refer, [] { return 1; });
  (void)roost::when_all(std::vector<std::function<int()>>());
  (void)roost::when_any(std::vector<std::function<int()>>());
  std::vector<int> numbers(3);
  roost::for_each(numbers, [](int& n) { ++n; }, {.limit = 2});
  (void)roost::transform(numbers, [](int n) { return n; });
}

void use_waits() {
  roost::event e;
  roost::wait_group group;
  roost::semaphore two(2);
  roost::ticker every(1s);
  auto token = group.enter();
  token = group.enter();
  auto permit = two.acquire();
  permit = two.acquire();
  roost::selector waits;
  waits.add(roost::on_set(e));
  waits.add(roost::on_done(group));
  waits.add(roost::on_tick(every));
  waits.add(roost::on_timeout(1s));
  (void)waits.select();
  const roost::shield hidden(1s);
  const roost::stop_when stopped_by(std::stop_token{});
  roost::this_task::sleep_for(1ms);
}

} // namespace

int main() {
  use_channel(1);
  use_channel(std::size_t{1});
  use_channel(0.5);
  use_channel(std::string());
  use_channel(std::make_unique<int>(1));
  use_channel(std::vector<int>());
  use_scopes();
  use_waits();
}
