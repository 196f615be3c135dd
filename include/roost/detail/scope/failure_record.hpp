// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/sync/atomic.hpp>
#include <roost/failure.hpp>
#include <roost/site.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <new>
#include <string_view>

namespace roost::inline v0::detail {

/// The name is left out if there is no memory for it.
inline failure
describe_failure(const std::exception_ptr& error, std::string_view task, site where) noexcept {
  failure described{error, {}, where};
  try {
    described.task = task;
  } catch (const std::bad_alloc&) { // the failure itself matters more
  }
  return described;
}

/// A failure that a scope keeps in its failure_log.
struct failure_record {
  virtual failure describe() const noexcept = 0;

  /// The last touch of its log: drops the exception, and perhaps itself.
  virtual void let_go() noexcept = 0;

  std::exception_ptr error; // written before it is linked, then constant
  std::uint64_t moment = 0; // likewise; see stop/unwinding.hpp. 0 if the scope does not keep it
  sync::atomic<bool> reported{false}; // seq_cst, the default: it was thrown to the scope's owner
  sync::atomic<bool> shown{false};    // likewise: failures() or the hook has shown it
  sync::atomic<bool> stops{false};    // likewise: it is why the scope stops; written before it does
  failure_record* next = nullptr;     // guarded by the scope's lock

 protected:
  ~failure_record() = default;
};

} // namespace roost::inline v0::detail
