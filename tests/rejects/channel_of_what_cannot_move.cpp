// SPDX-License-Identifier: BSL-1.0
// expect: the items must be movable, and their destructor must not throw; send a std::unique_ptr to them instead
#include <roost.hpp>

#include <mutex>

int main() {
  (void)roost::make_channel<std::mutex>(1);
}
