// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/sync/mutex.hpp>
#include <roost/detail/sync/thread_exit.hpp>

#include <mutex>
#include <utility>

// Objects of which a thread needs one while it is blocked, such as a parker. A thread keeps its own
// one from its first need on, and gives it back to a pool when it ends.

namespace roost::inline v0::detail {

struct wait_probe;

/// The objects that no thread holds. The pool is never destroyed, so that threads may block and be
/// woken while the program's statics are being destroyed; and no object is ever freed, so that a
/// late wake hits one that exists. `next_free_` of a T is the pool's, and guarded by its mutex.
template <class T>
class pool_of {
 public:
  static pool_of& instance() {
    static pool_of& pool = *new pool_of;
    return pool;
  }

  /// If none is left it makes one, and throws what that throws.
  T& take() {
    {
      const std::lock_guard lock(mutex_);
      if (free_ != nullptr)
        return *std::exchange(free_, free_->next_free_);
    }
    return *new T;
  }

  void give_back(T& t) noexcept {
    const std::lock_guard lock(mutex_);
    t.next_free_ = std::exchange(free_, &t);
  }

 private:
  friend struct wait_probe;

  sync::mutex mutex_;
  T* free_ = nullptr; // guarded by mutex_
};

/// A thread's own object stays with it between its blocked operations, and returns to the pool when
/// the thread ends. Destructors of other thread_locals may run after that, and may block as well:
/// for them there is no own object.
template <class T>
class own_of_thread {
 public:
  /// The calling thread's own object, taken at its first need; null while its locals are being
  /// destroyed. Throws as pool_of::take().
  static T* get() {
    if (here.own == nullptr && !here.gone) {
      here.own = &pool_of<T>::instance().take();
      sync::at_thread_exit<&own_of_thread::give_back>(*here.own);
    }
    return here.own;
  }

  static bool is(const T& t) noexcept { return here.own == &t; }

 private:
  struct of_thread {
    T* own = nullptr;
    bool gone = false;
  };
  static inline constinit thread_local of_thread here;

  static void give_back(T& t) noexcept {
    here = {.own = nullptr, .gone = true};
    pool_of<T>::instance().give_back(t);
  }
};

/// The object for one blocked operation of the calling thread: its own, or one from the pool.
template <class T>
class lease_of {
 public:
  lease_of() : leased_(own_or_taken()) {}
  ~lease_of() {
    if (!own_of_thread<T>::is(leased_))
      pool_of<T>::instance().give_back(leased_);
  }
  lease_of(const lease_of&) = delete;
  lease_of& operator=(const lease_of&) = delete;

  T& get() noexcept { return leased_; }

 private:
  static T& own_or_taken() {
    T* const own = own_of_thread<T>::get();
    return own != nullptr ? *own : pool_of<T>::instance().take();
  }

  T& leased_;
};

} // namespace roost::inline v0::detail
