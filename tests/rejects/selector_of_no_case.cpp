// SPDX-License-Identifier: BSL-1.0
// expect: roost::selector::add: its argument is a case, made by on_receive, on_send, on_set, on_done, on_tick, on_timeout or on_deadline
#include <roost.hpp>

int main() {
  roost::selector cases;
  cases.add([] {});
}
