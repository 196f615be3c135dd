// SPDX-License-Identifier: BSL-1.0
// expect: roost::select: its arguments are cases, made by on_receive, on_send, on_set, on_done, on_tick, on_timeout, on_deadline or otherwise
#include <roost.hpp>

int main() {
  roost::event ready;
  roost::select(roost::on_set(ready), [] {});
}
