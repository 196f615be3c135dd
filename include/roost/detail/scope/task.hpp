// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/clock.hpp>
#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/operation/wait_queue.hpp>
#include <roost/detail/scope/block_cache.hpp>
#include <roost/detail/scope/failure_record.hpp>
#include <roost/detail/stop/task_context.hpp>
#include <roost/detail/stop/unwinding.hpp>
#include <roost/detail/sync/atomic.hpp>
#include <roost/detail/sync/thread_number.hpp>
#include <roost/detail/threads/scope_tree.hpp>
#include <roost/detail/threads/thread_pool.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/detail/wait/observer.hpp>
#include <roost/detail/wait/tally.hpp>
#include <roost/detail/wait/thread_slot.hpp>
#include <roost/failure.hpp>
#include <roost/site.hpp>
#include <roost/stop.hpp>
#include <roost/this_task.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace roost::inline v0::detail {

/// One task, shared by its scope and its handle. The scope keeps it until it is counted down, and
/// longer if it failed.
class task : public task_context, public failure_record, public job {
 public:
  enum class outcome { none, value, failed, stopped };

  using task_context::task_context;
  ROOST_BODY ~task() override; // see scope_run.hpp
  task(const task&) = delete;
  task& operator=(const task&) = delete;

  // Without a handle no call can stop it alone.
  stop_domain& domain_to_follow() override {
    return has_handle() && !is_fork ? own_domain() : domain();
  }

  void retain() noexcept {
    // relaxed: the caller has a reference, so the count cannot reach zero meanwhile
    references_.fetch_add(one_reference, std::memory_order_relaxed);
  }
  /// Its memory goes to `blocks` if it is the last reference.
  void release(block_cache::returns* blocks = nullptr) noexcept { release(one_reference, blocks); }

  /// Its handle goes.
  void drop_handle() noexcept {
    // acquire: sees the result that the task left; pairs with release in let_go_of_result()
    std::uint32_t references = references_.load(std::memory_order_acquire);
    while ((references & result_left) == 0 && is_referred_to(references - its_handle)) {
      // release: what was done through the handle; pairs with acquire in let_go_of_result(),
      // release() and is_only(). acquire on failure: as above.
      if (references_.compare_exchange_weak(references,
                                            references - its_handle,
                                            std::memory_order_release,
                                            std::memory_order_acquire))
        return;
    }
    destroy_result(); // no other thread will
    release(its_handle, nullptr);
  }

  /// Called by the task when it has a result or never will. If the handle has gone, no get() will
  /// take the result: then it is destroyed here, and true is returned. If not, the handle destroys
  /// it.
  bool let_go_of_result() noexcept {
    // acquire: sees what was done through the handle
    std::uint32_t references = references_.load(std::memory_order_acquire);
    if ((references & its_handle) != 0) {
      // release: leaves the result; pairs with acquire in drop_handle(). acquire: as above, if the
      // handle has gone since.
      references = references_.fetch_or(result_left, std::memory_order_acq_rel);
    }
    const bool unclaimed = (references & its_handle) == 0;
    if (unclaimed)
      destroy_result();
    return unclaimed;
  }

  virtual void invoke() = 0;
  virtual void destroy_callable() = 0; // the first call does
  virtual void destroy_result() noexcept = 0;

  ROOST_BODY void run_on_pool() noexcept override; // see scope_run.hpp
  ROOST_BODY void fail_on_pool(const std::exception_ptr& no_thread) noexcept override; // likewise

  failure describe() const noexcept override { return describe_failure(error, name(), spawned()); }
  void let_go() noexcept override { release(); }

  /// The task has ended and nothing of its callable is left: lets handles go on.
  void complete(outcome how) noexcept {
    count(counted::finished);
    if (is_observed()) [[unlikely]]
      tell_end(how);
    if (is_only(one_reference)) { // no thread waits: there is no handle, nor will there be
      set(how);
      return;
    }
    done_.wake_all_if([&] {
      set(how);
      return true;
    });
  }

  /// Waits for complete() on behalf of get(), which tells the scope's owner of the failure if the
  /// owner is the caller. False if a stop ended the wait and this very failure caused the stop: the
  /// failure is what the owner asks for, whatever its other waits throw.
  bool wait_to_tell(const blocked_call& call);

  /// Waits for complete(); false when `deadline` passed first.
  bool wait(const blocked_call& call, clock::time_point deadline);
  bool ready() const noexcept {
    return done_.locked([this] { return has_ended(); });
  }

  /// Its scope, kept; null if it is completed. The caller has its handle.
  counted_ptr<stop_domain> scope_unless_ended() const {
    return done_.locked([this] { return has_ended() ? nullptr : scope().shared_from_this(); });
  }

  /// Calls `f()` while the task cannot be completed, so that its scope and the thread where it runs
  /// stay, and returns what `f()` returns. False, without a call, if the task is completed. The
  /// caller has its handle.
  template <class F>
  bool unless_ended(F f) const {
    return done_.locked([&] { return !has_ended() && f(); });
  }

  /// Where threads wait for its completion.
  wait_queue& waiters() noexcept { return done_; }
  // relaxed: done_ orders it for the handle. Without done_'s lock the scope asks whether there
  // still is work, and a report how far the task is: under the scope's lock, or under that of the
  // slot of a thread that runs the task inside a wait. Either keeps the task and its scope; and
  // nothing that the task has left is read because of the answer.
  bool has_ended() const noexcept {
    return outcome_.load(std::memory_order_relaxed) != outcome::none;
  }

  /// Only once its failure is known.
  [[noreturn]] void throw_failure() const {
    throw_with_moment(moment);
    std::rethrow_exception(error);
  }

  /// Only once it is ready: throws unless there is a value.
  void throw_unless_value() const;

  // The thread that its scope covers, if any, and the task that runs there, if any. Written before
  // the task's thread starts.
  sync::thread_id owner;
  std::uint64_t owner_task = 0;

  // Its scope keeps it as a failure. Used by the task's thread alone.
  bool is_kept = false;

  // What ended it, if it was stopped. Written before complete(), by its caller.
  counted_ptr<const kept_cause> stopped_by;

 private:
  void tell_end(outcome how) const noexcept;
  virtual void destroy(block_cache::returns* blocks) noexcept = 0;

  // The scope may be gone by now: it is compared, not looked at.
  bool called_by_owner() const noexcept {
    const std::uint64_t caller = this_thread.task != nullptr ? this_thread.task->id() : 0;
    return owner != sync::thread_id() ? owner == sync::this_thread_id() && owner_task == caller
                                      : !runs_inside(scope());
  }

  // relaxed: a handle that has gone does not come back, and one that goes meanwhile stops nothing
  bool has_handle() const noexcept {
    return (references_.load(std::memory_order_relaxed) & its_handle) != 0;
  }

  // What references_ is made of. The handle's is a bit of its own.
  static constexpr std::uint32_t result_left = 1; // the task has let go of its result
  static constexpr std::uint32_t its_handle = 2;
  static constexpr std::uint32_t one_reference = 4;

  static bool is_referred_to(std::uint32_t references) noexcept {
    return (references & ~result_left) != 0;
  }

  // The count is written only if there are other references: a thread that has the only one is
  // alone with the task.
  void release(std::uint32_t reference, block_cache::returns* blocks) noexcept {
    // release: what was done through this reference; acquire: the last sees all of it before it
    // destroys; each pairs with the others'
    if (is_only(reference) ||
        !is_referred_to(references_.fetch_sub(reference, std::memory_order_acq_rel) - reference))
      destroy(blocks);
  }

  bool is_only(std::uint32_t reference) const noexcept {
    // acquire: sees what was done through the others; pairs with release in release() and
    // drop_handle()
    return !is_referred_to(references_.load(std::memory_order_acquire) - reference);
  }

  // relaxed: see has_ended()
  void set(outcome how) noexcept { outcome_.store(how, std::memory_order_relaxed); }

  wait_queue done_;
  sync::atomic<outcome> outcome_{outcome::none};
  sync::atomic<std::uint32_t> references_{its_handle + one_reference}; // the other is its scope's
};

/// Says in a report that a thread waits for the task.
void describe_task(const task& t, object_note& note) noexcept;

/// That a task has ended, for its handle.
struct task_has_ended {
  const task& t;
  bool operator()() const noexcept { return t.has_ended(); }
  void describe(object_note& note) const noexcept { describe_task(t, note); }
};

/// The result of a task that has none.
struct nothing {};

/// The part of a task that a handle knows: its result.
template <class R>
class result_task : public task {
 public:
  using task::task;

  /// Precondition: there is a value; see throw_unless_value(). If its move throws, it stays.
  R take() {
    if constexpr (std::is_void_v<R>) {
      return;
    } else if constexpr (std::is_reference_v<R>) {
      return static_cast<R>(**result_);
    } else {
      return take_object();
    }
  }

  void destroy_result() noexcept override { result_.reset(); }

 protected:
  template <class Call>
  void keep(Call call) {
    if constexpr (std::is_void_v<R>) {
      call();
      result_.emplace();
    } else if constexpr (std::is_reference_v<R>) {
      auto&& referred = call();
      result_.emplace(std::addressof(referred));
    } else {
      result_.emplace(call());
    }
  }

 private:
  // A function of its own: in a nested block g++ 12 would move `value` once more.
  R take_object() {
    R value = std::move(*result_);
    result_.reset();
    return value;
  }

  using stored = std::conditional_t<
      std::is_void_v<R>,
      nothing,
      std::conditional_t<std::is_reference_v<R>, std::remove_reference_t<R>*, R>>;
  std::optional<stored> result_;
};

template <class F>
inline constexpr bool takes_token = std::is_invocable_v<F, std::stop_token>;

/// The type of what a task's callable returns, called as std::jthread calls it.
template <class F, bool = takes_token<F>>
struct task_result {
  using type = std::invoke_result_t<F, std::stop_token>;
};
template <class F>
struct task_result<F, false> {
  using type = std::invoke_result_t<F>;
};

/// A task with its callable, which lives from spawn() until right after its call.
template <class F>
class callable_task final : public result_task<typename task_result<F>::type> {
 public:
  template <class G>
  static callable_task*
  make(block_cache& blocks, stop_domain& scope, std::string_view name, site spawned, G&& callable) {
    void* const memory = over_aligned() ? ::operator new(sizeof(callable_task), alignment())
                                        : blocks.take(sizeof(callable_task));
    try {
      return ::new (memory) callable_task(scope, name, spawned, std::forward<G>(callable));
    } catch (...) {
      block_cache::returns unused(blocks);
      give_back(memory, &unused);
      throw;
    }
  }
  // NOLINTNEXTLINE(modernize-use-equals-default): with the union that would be a deleted one
  ~callable_task() noexcept override {}
  callable_task(const callable_task&) = delete;
  callable_task& operator=(const callable_task&) = delete;

  void invoke() override {
    this->keep([&]() -> decltype(auto) {
      if constexpr (takes_token<F>) {
        return std::invoke(std::move(callable_), this_task::stop_token());
      } else {
        return std::invoke(std::move(callable_));
      }
    });
  }

  void destroy_callable() override {
    if (std::exchange(has_callable_, false))
      callable_.~F();
  }

 private:
  template <class G>
  callable_task(stop_domain& scope, std::string_view name, site spawned, G&& callable)
      : result_task<typename task_result<F>::type>(scope, name, spawned),
        callable_(std::forward<G>(callable)) {}

  void destroy(block_cache::returns* blocks) noexcept override {
    this->~callable_task();
    give_back(this, blocks);
  }

  static void give_back(void* memory, block_cache::returns* blocks) noexcept {
    if (over_aligned()) {
      ::operator delete(memory, alignment());
    } else if (blocks != nullptr) {
      blocks->put(memory, sizeof(callable_task));
    } else {
      ::operator delete(memory);
    }
  }

  static constexpr std::align_val_t alignment() {
    return static_cast<std::align_val_t>(alignof(callable_task));
  }
  static constexpr bool over_aligned() {
    return alignof(callable_task) > __STDCPP_DEFAULT_NEW_ALIGNMENT__;
  }

  bool has_callable_ = true;
  union {        // destroyed by hand, because that may throw
    F callable_; // NOLINT(readability-identifier-naming): a private member
  };
};

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

ROOST_BODY void describe_task(const task& t, object_note& note) noexcept {
  note.object = &t;
  note.kind = "task";
  note.name.add(t.name());
  note.task = t.id();
  note.detail.add("task #").add(t.id());
  if (!t.has_ended()) // its scope is there; threads of that tree go on with it
    note.users = tree_mark::both(note.users, number_of_tree(t.scope()));
}

ROOST_BODY void task::tell_end(outcome how) const noexcept {
  tell({.kind = sighting_kind::task_end, .how = static_cast<std::uint8_t>(how), .task = id()});
}

ROOST_BODY bool task::wait(const blocked_call& call, clock::time_point deadline) {
  return done_.wait(call, deadline, task_has_ended{*this});
}

ROOST_BODY bool task::wait_to_tell(const blocked_call& call) {
  const bool by_owner = called_by_owner();
  const wait_state end = done_.wait_for_end(call, no_deadline, task_has_ended{*this});
  if (end == wait_state::stopped && !(by_owner && stops))
    raise_stop();
  if (by_owner)
    reported = true;
  return end != wait_state::stopped;
}

ROOST_BODY void task::throw_unless_value() const {
  // relaxed: see has_ended()
  switch (outcome_.load(std::memory_order_relaxed)) {
  case outcome::failed:
    throw_failure();
  case outcome::stopped:
    throw make_stopped(stopped_by);
  default:
    break;
  }
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
