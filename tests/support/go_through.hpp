// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/for_each.hpp>
#include <roost/parallel_options.hpp>

#include "support/numbered_items.hpp"
#include "support/scripted_range.hpp"

namespace test {

/// Calls for_each with a range that has indices, or one that has none.
template <class F>
void go_through(bool has_indices, int count, F&& f, const roost::parallel_options& options = {}) {
  if (has_indices)
    roost::for_each(numbers(0, count), f, options);
  else
    roost::for_each(scripted_range{count, {}}, f, options);
}

} // namespace test
