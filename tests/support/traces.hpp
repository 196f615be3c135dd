// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/trace.hpp>

#include "support/chrome_trace.hpp"

#include <sstream>
#include <string>

namespace test {

inline std::string chrome_text(const roost::trace_recorder& recorder) {
  std::ostringstream out;
  recorder.write_chrome(out);
  return out.str();
}
inline std::string svg_text(const roost::trace_recorder& recorder) {
  std::ostringstream out;
  recorder.write_svg(out);
  return out.str();
}
inline chrome_trace trace_of(const roost::trace_recorder& recorder) {
  return chrome_trace(chrome_text(recorder));
}

} // namespace test
