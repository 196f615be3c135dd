// SPDX-License-Identifier: BSL-1.0
// What several tasks change is guarded by a mutex, as with std::mutex. But a stop wakes a task that
// waits for it, and it knows its holder: here two tasks lock the same two accounts in different
// order, so that each would wait for the other for ever. The call that closes the circle throws and
// names each holder and its mutex. The remedy is in transfer(): it locks both together.
#include <roost.hpp>

#include <iostream>
#include <mutex>
#include <system_error>

namespace {

struct account {
  explicit account(const char* name) : changes(name) {}
  roost::mutex changes;
  int balance = 100; // guarded by `changes`
};

void transfer(account& from, account& to, int amount) {
  const std::scoped_lock both(from.changes, to.changes);
  from.balance -= amount;
  to.balance += amount;
}

} // namespace

int main() {
  account ann("ann");
  account bob("bob");
  {
    roost::task_scope scope;
    scope.spawn("to bob", [&] { transfer(ann, bob, 30); });
    scope.spawn("to ann", [&] { transfer(bob, ann, 10); });
  }
  std::cout << ann.balance << " and " << bob.balance << '\n';

  roost::event ann_is_held;
  roost::event bob_is_held;
  try {
    roost::task_scope scope;
    scope.spawn("to bob", [&] {
      const roost::mutex::guard first(ann.changes);
      ann_is_held.set();
      bob_is_held.wait();
      const roost::mutex::guard second(bob.changes);
    });
    scope.spawn("to ann", [&] {
      const roost::mutex::guard first(bob.changes);
      bob_is_held.set();
      ann_is_held.wait();
      const roost::mutex::guard second(ann.changes);
    });
    scope.join();
  } catch (const std::system_error& e) {
    if (e.code() != std::errc::resource_deadlock_would_occur)
      throw;
    std::cout << "the circle is told, and nothing hangs\n";
    std::cerr << e.what() << '\n'; // "to bob" waits for mutex "bob", which "to ann" locked at ...
  }
}

// Output:
//   80 and 120
//   the circle is told, and nothing hangs
