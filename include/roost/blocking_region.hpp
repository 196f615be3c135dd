// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/sync/now.hpp>
#include <roost/detail/wait/observer.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/site.hpp>

#include <string_view>

namespace roost::inline v0 {

/// Names a call that may block and that roost does not know: a read, a lock of another library. A
/// report then shows the task as blocked in it, and not as running.
///
/// ```cpp
/// const roost::blocking_region region("read from the socket");
/// const auto count = ::read(fd, buffer, size);
/// ```
///
/// It changes nothing but reports. No stop ends the call: for that see std::stop_callback and the
/// task's token. Calls of roost inside it are shown as what they are. Regions nest; the innermost
/// is shown.
///
/// Lifetime: it is a local of the block with the call, and ends on the thread that made it. `what`
/// is copied, and cut off after 64 characters. Threads: any; reports show
/// it on the thread of a task or an owner, traces on all. Errors, cancellation: none. Cost: some 30
/// ns, no allocation.
class blocking_region {
 public:
  /// From here on the call is shown.
  [[nodiscard("it is shown only while it lives: give it a name")]] explicit blocking_region(
      std::string_view what, site where = site::current()) noexcept;
  /// The call is over.
  ~blocking_region();
  blocking_region(const blocking_region&) = delete;
  blocking_region& operator=(const blocking_region&) = delete;

 private:
  detail::foreign_call call_;
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_BODY blocking_region::blocking_region(std::string_view what, site where) noexcept {
  call_.what.add(what);
  call_.where = where;
  call_.since = detail::sync::now();
  call_.around = detail::this_thread.foreign;
  call_.task = detail::this_thread.task;
  detail::this_thread.set_foreign(&call_);
  if (detail::is_observed()) [[unlikely]]
    detail::tell({.kind = detail::sighting_kind::foreign_begin, .text = what, .where = where});
}

ROOST_BODY blocking_region::~blocking_region() {
  detail::this_thread.set_foreign(call_.around);
  if (detail::is_observed()) [[unlikely]]
    detail::tell({.kind = detail::sighting_kind::foreign_end});
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0
