// SPDX-License-Identifier: BSL-1.0
// A destructor gives back what its object has borrowed, whatever way the block is left. Notice the
// trap: in a stopped task every wait throws, and an exception that leaves a destructor ends the
// program. There are two ways out: try_send(), which looks at no stop and needs a channel with
// room, and a wait under a shield.
#include <roost.hpp>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

namespace {

struct database {
  roost::channel_ends<int> idle = roost::make_channel<int>(2); // room for all connections
  roost::channel_ends<std::string> log = roost::make_channel<std::string>(8);
};

class lease {
 public:
  explicit lease(const database& from) : from_(from), connection_(from.idle.rx.receive().value()) {}
  lease(const lease&) = delete;
  lease& operator=(const lease&) = delete;
  ~lease() {
    (void)from_.idle.tx.try_send(connection_);
    const roost::shield s(2min); // longer than the send: after it, the stop gets through
    (void)from_.log.tx.send_for("connection " + std::to_string(connection_) + " is back", 1min);
  }

 private:
  const database& from_;
  int connection_;
};

} // namespace

int main() {
  const database shared;
  (void)shared.idle.tx.send_all({1, 2});
  roost::event working;
  roost::task_scope scope;
  scope.spawn("query", [&] {
    const lease connection(shared);
    working.set();
    roost::this_task::sleep_for(1h); // the stop ends the task here, and the lease goes
  });
  working.wait();
  scope.request_stop("enough");
  scope.join();
  std::cout << shared.log.rx.receive().value() << '\n' << "idle: " << shared.idle.rx.size() << '\n';
}

// Output:
//   connection 1 is back
//   idle: 2
