// SPDX-License-Identifier: BSL-1.0
// flags: -fno-exceptions
// at-most: 20 lines
// expect: roost needs exceptions: a wait that is stopped throws; compile without -fno-exceptions
#include <roost/trace.hpp>

int main() {
  roost::trace_recorder recorder;
}
