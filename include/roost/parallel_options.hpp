// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string_view>

namespace roost::inline v0 {

/// How for_each and transform go about it:
///
/// ```cpp
/// roost::for_each(urls, fetch, {.limit = 8});
/// ```
struct parallel_options {
  /// How many elements are worked on at once; 0 is as many as the machine has threads,
  /// or four in a bubble of roost::testing.
  std::size_t limit = 0;

  /// The name of the tasks that do the work, for reports. Copied.
  std::string_view name = {};

  /// Elements of a sized random access range that take less than some microseconds are handed out
  /// several at a time, unless some of them make calls of roost that may block. False: always one
  /// by one. The difference shows only in the order in which cheap elements begin, and so in which
  /// of them a failure leaves out; after a stop, or a failure in another thread, when each thread
  /// may begin up to 31 more of the cheapest ones; and where most elements are cheap and one waits
  /// for a later one all the same: then both may have been handed to one thread.
  bool chunks = true;
};

} // namespace roost::inline v0
