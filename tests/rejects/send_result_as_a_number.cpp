// SPDX-License-Identifier: BSL-1.0
// expect: (cannot convert|no viable conversion from) .*send_result.* to .*int
#include <roost.hpp>

int main() {
  auto channel = roost::make_channel<int>(1);
  const int sent = channel.tx.send(1);
  return sent;
}
