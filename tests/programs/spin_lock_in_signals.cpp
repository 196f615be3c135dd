// SPDX-License-Identifier: BSL-1.0
// A thread that sleeps for a spin lock gets it, however fast signals interrupt its sleep.
#include <roost.hpp>

#include <atomic>
#include <csignal>
#include <mutex>
#include <pthread.h>
#include <thread>

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails
int main() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  (void)sigaction(SIGUSR2, &action, nullptr); // without SA_RESTART
  roost::detail::spin_lock lock;
  std::atomic<bool> has_begun{false};
  std::atomic<bool> has_lock{false};
  lock.lock();
  std::thread waiter([&] {
    has_begun = true;
    const std::lock_guard guard(lock);
    has_lock = true;
  });
  const auto interrupt = [&] { (void)pthread_kill(waiter.native_handle(), SIGUSR2); };
  while (!has_begun)
    std::this_thread::yield();
  for (int sent = 0; sent < 20000; ++sent) // until it sleeps
    interrupt();
  lock.unlock();
  while (!has_lock) // for ever, if a sleep begins anew after each
    interrupt();
  waiter.join();
}
