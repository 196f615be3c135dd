// SPDX-License-Identifier: BSL-1.0
// expect: roost::on_signal: the handler must be callable with an int, the signal's number
#include <roost.hpp>
#include <roost/posix.hpp>

void f(roost::signal_watch& signals) {
  roost::select(roost::on_signal(signals, [] {}));
}
