// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/sync/atomic.hpp>

#include <atomic>
#include <cstddef>
#include <type_traits>
#include <utility>

// Objects that go with the last pointer to them. Not std::shared_ptr: each kind of it, and the
// control block of each kind of object, would cost each file that includes roost some milliseconds
// to compile, and its object file some hundred bytes. All kinds of counted_ptr share one copy, move
// and destructor.

namespace roost::inline v0::detail {

/// Base of the objects that counted_ptrs share. An object that make_counted() has not made may be
/// shared as well: its own count includes itself, so no pointer destroys it.
class counted_object {
 public:
  counted_object(const counted_object&) = delete;
  counted_object& operator=(const counted_object&) = delete;

 protected:
  counted_object() noexcept = default;
  virtual ~counted_object() = default;

 private:
  friend class any_counted_ptr;

  // How many pointers there are; it starts at 1, for the pointer of make_counted(). A thread makes
  // another pointer only while one is sure to exist: so a count of 0 stays 0, and one thread alone
  // has brought it there.
  sync::atomic<std::size_t> count_{1};
};

/// Base of all kinds of counted_ptr.
///
/// Threads: each may use its own pointer to the same object, as with std::shared_ptr.
class any_counted_ptr {
 public:
  any_counted_ptr(const any_counted_ptr& other) noexcept : object_(other.object_) { count_one(); }
  any_counted_ptr(any_counted_ptr&& other) noexcept : object_(std::exchange(other.object_, {})) {}
  any_counted_ptr& operator=(const any_counted_ptr& other) noexcept {
    any_counted_ptr copy(other);
    swap(copy);
    return *this;
  }
  any_counted_ptr& operator=(any_counted_ptr&& other) noexcept {
    any_counted_ptr from(std::move(other));
    swap(from);
    return *this;
  }
  ~any_counted_ptr() {
    if (object_ != nullptr)
      let_go(*object_);
  }

  void reset() noexcept { any_counted_ptr(nullptr).swap(*this); }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  friend bool operator==(const any_counted_ptr& a, const any_counted_ptr& b) noexcept {
    return a.object_ == b.object_;
  }
  friend bool operator==(const any_counted_ptr& a, std::nullptr_t) noexcept {
    return a.object_ == nullptr;
  }

  /// How many pointers there are to its object; 0 if it is null. Old news where other threads have
  /// some; but 1 stays, as only a thread that has one makes another.
  std::size_t use_count() const noexcept {
    // acquire: sees what was done through the pointers that are gone; pairs with release in
    // let_go()
    return object_ != nullptr ? object_->count_.load(std::memory_order_acquire) : 0;
  }

 protected:
  /// Takes over a pointer that is counted already.
  explicit any_counted_ptr(counted_object* object) noexcept : object_(object) {}

  void swap(any_counted_ptr& other) noexcept { std::swap(object_, other.object_); }
  void count_one() const noexcept {
    if (object_ != nullptr) {
      // relaxed: another pointer to the object exists, which this thread has or was given
      object_->count_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  counted_object* object_;

 private:
  static void let_go(counted_object& object) noexcept;
};

/// A pointer that keeps a T, which has the base counted_object; or null. T may be incomplete where
/// pointers are only copied and destroyed.
template <class T>
class counted_ptr : public any_counted_ptr {
 public:
  counted_ptr() noexcept : any_counted_ptr(nullptr) {}
  counted_ptr(std::nullptr_t) noexcept // NOLINT(google-explicit-constructor): as other pointers
      : any_counted_ptr(nullptr) {}

  /// One more pointer to an object that is shared, or that outlives this.
  explicit counted_ptr(T& shared) noexcept : any_counted_ptr(&shared) { count_one(); }

  /// The same as a pointer to a base, or to const.
  template <class U, class = std::enable_if_t<std::is_convertible_v<U*, T*>>>
  counted_ptr(counted_ptr<U> other) noexcept // NOLINT(google-explicit-constructor): as above
      : any_counted_ptr(std::move(other)) {}

  T* get() const noexcept { return static_cast<T*>(this->object_); }
  T& operator*() const noexcept { return *get(); }
  T* operator->() const noexcept { return get(); }
  void swap(counted_ptr& other) noexcept { any_counted_ptr::swap(other); }

 private:
  template <class U, class... Args>
  friend counted_ptr<U> make_counted(Args&&... args);

  struct new_object {
    T* made;
  };
  explicit counted_ptr(new_object n) noexcept : any_counted_ptr(n.made) {}
};

template <class T, class... Args>
counted_ptr<T> make_counted(Args&&... args) {
  using new_object = typename counted_ptr<T>::new_object;
  return counted_ptr<T>(new_object{new T(std::forward<Args>(args)...)});
}

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_BODY void any_counted_ptr::let_go(counted_object& object) noexcept {
  // release: publishes what this thread did with the object. acquire: the last thread, which
  // destroys it, sees what all have done. The release of each step pairs with the acquire of the
  // last one.
  if (object.count_.fetch_sub(1, std::memory_order_acq_rel) == 1)
    delete &object;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
