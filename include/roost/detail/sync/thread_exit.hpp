// SPDX-License-Identifier: BSL-1.0
#pragma once

#if defined(__MINGW32__) && __has_include(<pthread.h>)
#include <pthread.h>
#endif

namespace roost::inline v0::detail::sync {

/// GiveBack(value) is called when the calling thread ends, while its locals are being destroyed. At
/// most once a thread for each GiveBack, which is noexcept.
///
/// With mingw a thread's locals are freed before their destructors run: these find other locals as
/// they were when the thread began, and of their own object nothing. There the value is kept where
/// the system keeps it; if a destructor of another local makes the thread keep a second one, the
/// first is never given back.
template <auto GiveBack, class T>
void at_thread_exit(T& value) {
#if defined(__MINGW32__) && __has_include(<pthread.h>)
  struct slot {
    pthread_key_t key{};
    bool there =
        pthread_key_create(&key, [](void* kept) { GiveBack(*static_cast<T*>(kept)); }) == 0;
  };
  static const slot values; // where there is none, nothing is given back
  if (values.there)
    (void)pthread_setspecific(values.key, &value);
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
