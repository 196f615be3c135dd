// SPDX-License-Identifier: BSL-1.0
#pragma once

#if defined(__MINGW32__) && __has_include(<pthread.h>)
#include <pthread.h>
#endif

namespace roost::inline v0::detail::sync {

#if defined(__MINGW32__) && __has_include(<pthread.h>)
/// Where the system keeps a value of each thread, and calls GiveBack for it.
template <auto GiveBack, class T>
struct value_of_thread {
  pthread_key_t key{};
  const bool is_there =
      pthread_key_create(&key, [](void* kept) { GiveBack(*static_cast<T*>(kept)); }) == 0;
};

// Made when the program begins, because none can be made while a thread's locals are being
// destroyed.
template <auto GiveBack, class T>
inline const value_of_thread<GiveBack, T> given_back;
#endif

/// Calls GiveBack(value) when the calling thread ends, while its locals are being destroyed. To be
/// called at most once per thread for each GiveBack, which is noexcept.
///
/// mingw frees a thread's locals before their destructors run: a destructor finds other locals as
/// they were when the thread began, and nothing of its own object. So with mingw the system keeps
/// the value. If the destructor of another local makes the thread keep a second value, the first is
/// never given back.
template <auto GiveBack, class T>
void at_thread_exit(T& value) {
#if defined(__MINGW32__) && __has_include(<pthread.h>)
  if (given_back<GiveBack, T>.is_there) // else nothing is given back
    (void)pthread_setspecific(given_back<GiveBack, T>.key, &value);
#else
  struct keeper {
    explicit keeper(T& kept) noexcept : value(kept) {}
    keeper(const keeper&) = delete;
    keeper& operator=(const keeper&) = delete;
    ~keeper() { GiveBack(value); }
    T& value;
  };
  thread_local const keeper kept(value);
#endif
}

} // namespace roost::inline v0::detail::sync
