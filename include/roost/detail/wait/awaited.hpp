// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/note_list.hpp>
#include <roost/detail/base/short_text.hpp>
#include <roost/site.hpp>

#include <cstddef>
#include <cstdint>

namespace roost::inline v0::detail {

/// Names in reports are cut off behind so many characters.
using noted_name = short_text<48>;

/// A thread that has slept somewhere; nothing of it is looked at later.
struct waiter_note {
  std::uint64_t task = 0; // 0: the thread ran no task
  site where;             // no line: no thread has slept
};

/// A mutex that a blocked thread holds.
struct held_note {
  const void* object = nullptr; // as object_note::object
  noted_name name;
  site where; // where it was locked
};

/// One thing that a thread waits for, as it is at this moment.
struct object_note {
  const void* object = nullptr; // tells one from another; not looked at
  const char* kind = "";        // "channel"
  noted_name name;
  short_text<64> detail;   // "2/2, 1 receiver"
  std::uint64_t task = 0;  // the task that is waited for, if it is one
  waiter_note peer;        // the last that slept at the other end
  std::uint32_t users = 0; // see tree_mark::number()
  bool is_busy = false;    // its lock was not to be had: what stands here is not all
  site since;              // no line, or where began what `detail` tells: "held by \"x\""
};

/// What a blocked thread waits for, to be described in reports.
class awaited {
 public:
  /// Adds a note for each thing. Called under the lock of the waiter's slot, while its record is
  /// held: so everything that it waits at still exists. Never waits, and allocates nothing.
  virtual void describe(note_list<object_note>& notes) const noexcept = 0;

  /// Leaves a note at each thing, saying that the waiter sleeps there. Called likewise, by the
  /// waiter.
  virtual void sleeps(const waiter_note& waiter) const noexcept = 0;

 protected:
  ~awaited() = default;
};

} // namespace roost::inline v0::detail
