// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/intrusive_list.hpp>
#include <roost/detail/posix/polled_operation.hpp>
#include <roost/detail/posix/signal_source.hpp>
#include <roost/detail/sync/mutex.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/detail/wait/spin_lock.hpp>
#include <roost/detail/wait/wait_record.hpp>

#include <csignal>
#include <cstdint>
#include <mutex>
#include <poll.h>
#include <system_error>

namespace roost::inline v0::detail {

/// The signals that one watch has to hand out, and the waiters for them, in order.
///
/// The system gives each signal to one reader. So the thread that reads one, in a wait of any
/// watch, delivers it to all watches that want it: each hands it to its first waiter, or keeps it.
class signal_inbox : public list_node<signal_inbox> {
 public:
  /// Blocks the signals in the calling thread. Throws std::system_error.
  explicit signal_inbox(const sigset_t& signals)
      : signals_(signals),
        blocked_(signals),
        source_(signals_, deliver) {
    blocked_.stay();
  }
  ~signal_inbox() = default;
  signal_inbox(const signal_inbox&) = delete;
  signal_inbox& operator=(const signal_inbox&) = delete;

  /// Reads all signals that have come, and delivers them.
  ROOST_BODY void read_all() noexcept;

  /// To take a signal, or to wait for one.
  class take;

 private:
  static constexpr int end_of_signals = 65;

  /// Its place among the inboxes of all watches.
  class membership {
   public:
    /// Throws std::bad_alloc, in the first watch of a process.
    ROOST_BODY explicit membership(signal_inbox& inbox);
    ROOST_BODY ~membership();
    membership(const membership&) = delete;
    membership& operator=(const membership&) = delete;

   private:
    signal_inbox& inbox_;
  };

  /// Blocks signals in the calling thread: for good after stay(), as new threads inherit the mask;
  /// or, where the watch cannot be made, until the destructor.
  class blocked {
   public:
    ROOST_BODY explicit blocked(const sigset_t& signals);
    ROOST_BODY ~blocked();
    blocked(const blocked&) = delete;
    blocked& operator=(const blocked&) = delete;

    void stay() noexcept { stays_ = true; }

   private:
    sigset_t before_{};
    bool stays_ = false;
  };

  static sigset_t no_signals() noexcept {
    sigset_t none;
    ::sigemptyset(&none);
    return none;
  }

  ROOST_BODY static void deliver(int signal) noexcept;
  ROOST_BODY void come(int signal, claimed_list& claimed) noexcept;
  ROOST_BODY int take_kept() noexcept;

  const sigset_t signals_;
  spin_lock lock_;
  wait_list waiters_;            // guarded by lock_
  sigset_t kept_ = no_signals(); // guarded by lock_; those that came while no thread waited
  blocked blocked_;
  const membership member_{*this}; // from before a signal can come
  const signal_source source_;
};

class signal_inbox::take final : public polled_operation {
 public:
  explicit take(signal_inbox& from) noexcept
      : polled_operation(from.lock_, &from.waiters_, &taken_, from.source_.descriptor(), POLLIN),
        from_(from) {}

  /// Throws std::system_error if the system could not wait for it.
  int taken() const {
    if (error_ != 0)
      throw std::system_error(error_,
                              std::generic_category(),
                              "roost::signal_watch: the system cannot wait for signals");
    return taken_;
  }

  bool try_alone() override {
    error_ = 0; // of an earlier wait
    from_.read_all();
    return polled_operation::try_alone();
  }
  bool try_locked() noexcept override { return (taken_ = from_.take_kept()) != 0; }
  void conclude(wait_state) noexcept override {} // it has been written to taken_
  ROOST_BODY void describe(object_note& note) const noexcept override;

 private:
  // The delivery completes the record, as that of another thread would.
  void came(wait_record&, short) noexcept override { from_.read_all(); }
  void failed(wait_record& record, int error) noexcept override {
    if (!record.end_at(node()))
      return;
    unlink(); // as a peer does that ends a wait
    error_ = error;
  }

  signal_inbox& from_;
  int taken_ = 0;
  int error_ = 0;
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

/// The inboxes of all watches. Never destroyed, like the pools: a watch may be a static object.
struct all_signal_inboxes {
  static all_signal_inboxes& instance() {
    static all_signal_inboxes& all = *new all_signal_inboxes;
    return all;
  }

  sync::mutex mutex;
  intrusive_list<signal_inbox> inboxes; // guarded by mutex
};

// Before the source is made: its thread, if it has one, inherits the mask.
ROOST_BODY signal_inbox::blocked::blocked(const sigset_t& signals) {
  errno = ::pthread_sigmask(SIG_BLOCK, &signals, &before_);
  if (errno != 0)
    throw_system_error("roost::signal_watch: pthread_sigmask");
}

ROOST_BODY signal_inbox::blocked::~blocked() {
  if (!stays_)
    (void)::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

ROOST_BODY signal_inbox::membership::membership(signal_inbox& inbox) : inbox_(inbox) {
  const std::lock_guard guard(all_signal_inboxes::instance().mutex);
  all_signal_inboxes::instance().inboxes.push_back(inbox_);
}

ROOST_BODY signal_inbox::membership::~membership() {
  const std::lock_guard guard(all_signal_inboxes::instance().mutex);
  all_signal_inboxes::instance().inboxes.erase(inbox_);
}

ROOST_BODY void signal_inbox::read_all() noexcept {
  while (const int signal = source_.read())
    deliver(signal);
}

// The waiters are completed without a lock, as everywhere: they may destroy their watch then.
ROOST_BODY void signal_inbox::deliver(int signal) noexcept {
  claimed_list claimed;
  {
    all_signal_inboxes& all = all_signal_inboxes::instance();
    const std::lock_guard guard(all.mutex);
    for (signal_inbox* inbox = all.inboxes.front(); inbox != nullptr;
         inbox = all.inboxes.next(*inbox))
      inbox->come(signal, claimed);
  }
  claimed.complete(wait_state::done);
}

ROOST_BODY void signal_inbox::come(int signal, claimed_list& claimed) noexcept {
  if (::sigismember(&signals_, signal) != 1)
    return;
  const std::lock_guard guard(lock_);
  if (wait_node* const first = waiters_.claim_first()) {
    *static_cast<int*>(first->slot) = signal;
    claimed.push(*first->record);
  } else {
    ::sigaddset(&kept_, signal);
  }
}

ROOST_BODY int signal_inbox::take_kept() noexcept {
  for (int signal = 1; signal < end_of_signals; ++signal) {
    if (::sigismember(&kept_, signal) == 1) {
      ::sigdelset(&kept_, signal);
      return signal;
    }
  }
  return 0;
}

ROOST_BODY void signal_inbox::take::describe(object_note& note) const noexcept {
  note.kind = "signal";
  const char* separator = "";
  for (int signal = 1; signal < end_of_signals; ++signal) {
    if (::sigismember(&from_.signals_, signal) != 1)
      continue;
    note.detail.add(separator).add(static_cast<std::uint64_t>(signal));
    separator = ", ";
  }
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
