// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/context.hpp>
#include <roost/site.hpp>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace roost::inline v0::detail {

/// The context at the bottom of a task's thread, with what identifies the task.
class task_context : public context {
 public:
  task_context(stop_domain& scope, std::string_view name, site spawned)
      : context(scope),
        name_(name),
        spawned_(spawned) {}

  std::string_view name() const noexcept { return name_; }
  const site& spawned() const noexcept { return spawned_; }
  clock::time_point since() const noexcept { return since_; }

  /// Never used again, unlike an address.
  std::uint64_t id() const noexcept { return id_; }

  [[noreturn]] void raise() override { throw make_stopped(domain().cause()); }

 private:
  static std::uint64_t next_id() noexcept {
    static constinit std::atomic<std::uint64_t> last{0};
    // relaxed: only the numbers differ, they order nothing
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
  }

  std::string name_;
  site spawned_;
  clock::time_point since_ = clock::now();
  std::uint64_t id_ = next_id();
};

} // namespace roost::inline v0::detail
