// SPDX-License-Identifier: BSL-1.0
// expect: with a time limit its name ends in _for: send_for, receive_for, wait_for, select_for, acquire_for
#include <roost.hpp>

#include <chrono>

int main() {
  roost::event done;
  done.wait(std::chrono::seconds(2));
}
