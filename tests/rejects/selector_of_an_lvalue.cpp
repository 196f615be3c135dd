// SPDX-License-Identifier: BSL-1.0
// expect: roost::selector::add: its argument is a case, made by on_receive, on_send, on_set, on_done, on_tick, on_timeout or on_deadline in the call itself
#include <roost.hpp>

int main() {
  roost::event ready;
  auto when_ready = roost::on_set(ready);
  roost::selector cases;
  cases.add(when_ready);
}
