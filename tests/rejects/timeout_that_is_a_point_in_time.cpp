// SPDX-License-Identifier: BSL-1.0
// expect: roost: this takes a duration; a point in time is for the form with _until, or for scope_options::deadline
#include <roost.hpp>

#include <chrono>

int main() {
  roost::this_task::sleep_for(roost::clock::now() + std::chrono::seconds(2));
}
