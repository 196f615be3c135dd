// SPDX-License-Identifier: BSL-1.0
// expect: roost::select: the handler of this case must be callable without arguments
#include <roost.hpp>
#include <roost/posix.hpp>

void f() {
  roost::select(roost::on_readable(0, [](int) {}));
}
