// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include <exception>
#include <mutex>
#include <string>
#include <vector>

namespace test {

/// What an exception says, or what kind it is if it says nothing.
inline std::string message_of(const std::exception_ptr& error) {
  if (!error)
    return "nothing";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (const roost::stopped&) {
    return "stopped";
  } catch (...) {
    return "something else";
  }
}

template <class F>
std::exception_ptr exception_of(F f) {
  try {
    f();
    return nullptr;
  } catch (...) {
    return std::current_exception();
  }
}

/// The message of what `f()` throws: "nothing" if it returns, "stopped" for a stop.
template <class F>
std::string thrown_by(F f) {
  return message_of(exception_of(f));
}

/// While it lives, failures that nobody was told of are kept here instead of printed. One at a
/// time.
class unobserved_failures {
 public:
  unobserved_failures() : before_(roost::set_unobserved_failure_hook(&keep)) {}
  unobserved_failures(const unobserved_failures&) = delete;
  unobserved_failures& operator=(const unobserved_failures&) = delete;
  ~unobserved_failures() {
    roost::set_unobserved_failure_hook(before_);
    (void)take();
  }

  /// Those since the last call.
  static std::vector<roost::failure> take() {
    const std::lock_guard lock(mutex);
    return std::exchange(kept, {});
  }

  /// Their messages, in the order they came, each followed by a semicolon.
  static std::string messages() {
    std::string all;
    for (const roost::failure& f : take())
      all += message_of(f.error) + ";";
    return all;
  }

 private:
  static void keep(const roost::failure& f) {
    const std::lock_guard lock(mutex);
    kept.push_back(f);
  }

  static inline std::mutex mutex;
  static inline std::vector<roost::failure> kept; // guarded by mutex
  roost::unobserved_failure_hook before_;
};

} // namespace test
