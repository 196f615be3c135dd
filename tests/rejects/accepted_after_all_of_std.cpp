// SPDX-License-Identifier: BSL-1.0
// expect-success
// flags: -DALL_OF_STD
// A program may have included all of the standard library before: a call in the library must not
// find a function of std by its arguments' type, as std::quoted for a std::string.
#if __has_include(<bits/stdc++.h>)
#include <bits/stdc++.h>
#else
#include <algorithm>
#include <iomanip>
#include <iostream>
#include <numeric>
#include <ranges>
#include <string>
#endif

#include <roost.hpp>
#include <roost/trace.hpp>

int main() {
  const roost::trace_recorder recorder;
  const roost::task_scope scope;
  std::cout << scope.report();
  recorder.write_chrome(std::cout);
}
