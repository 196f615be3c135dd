// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/counted.hpp>
#include <roost/detail/base/view.hpp>
#include <roost/detail/posix/descriptor_operation.hpp>
#include <roost/detail/posix/owned_descriptor.hpp>
#include <roost/detail/posix/polled_operation.hpp>
#include <roost/detail/select/case_timers.hpp>
#include <roost/detail/select/outside_cases.hpp>
#include <roost/detail/select/select_case.hpp>
#include <roost/detail/wait/awaited.hpp>
#include <roost/detail/wait/spin_lock.hpp>
#include <roost/detail/wait/wait_record.hpp>
#include <roost/site.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/types.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace roost::inline v0::detail {

/// The descriptors of a selector, in an epoll set: a look takes one system call, and time for those
/// that are ready. The set is a descriptor itself: the selector's thread sleeps in poll() of that.
///
/// The system knows each descriptor once; all its cases are here, by its number. The system forgets
/// a descriptor that is closed, and does not tell: add() finds out if another one has its number by
/// then. But the system does not forget one that is still open elsewhere, as in a child process:
/// look() then finds it with another key than that of the descriptor which has its number now.
class epoll_cases final : public outside_cases {
 public:
  /// Throws std::system_error where no descriptor is left.
  ROOST_BODY epoll_cases();

  ROOST_BODY void add(kept_case& c) override;
  ROOST_BODY void remove(kept_case& c) noexcept override;
  std::size_t size() const noexcept override { return size_; }
  ROOST_BODY view<kept_case* const> look() override;
  kept_case& any() noexcept override { return any_; }

 private:
  /// That the set is readable.
  class ready_operation final : public polled_operation {
   public:
    ready_operation(const epoll_cases& of, int set) noexcept
        : polled_operation(nobody_else_, nullptr, nullptr, set, POLLIN),
          of_(of) {}

    bool try_alone() override { return false; } // look() has just found none
    bool try_locked() noexcept override { return false; }
    void conclude(wait_state) noexcept override {}
    void describe(object_note& note) const noexcept override { of_.describe(note); }

    /// Why it could not be waited for, once; 0 if it could.
    int take_error() noexcept { return std::exchange(error_, 0); }

   private:
    void came(wait_record& record, short) noexcept override { (void)record.end_at(node()); }
    void failed(wait_record& record, int error) noexcept override {
      if (record.end_at(node()))
        error_ = error;
    }

    const epoll_cases& of_;
    int error_ = 0;
    spin_lock nobody_else_;
  };

  class ready_case final : public select_case {
   public:
    ready_case(const epoll_cases& of, int set) noexcept
        : select_case(&operation_, site()),
          operation_(of, set) {}
    void run() override {}
    void renumber(int set) noexcept { operation_.renumber(set); }
    int take_error() noexcept { return operation_.take_error(); }

   private:
    ready_operation operation_;
  };

  struct watched {
    descriptor_operation* last = nullptr; // added; null if there is none
    std::uint32_t key = 0;                // what the system was told last
  };

  static descriptor_operation& in(const kept_case& c) noexcept {
    return static_cast<descriptor_operation&>(c.what());
  }

  // After a fork, parent and child share the set: a change by the one would change the other's,
  // too. Or the last renewal found no descriptor for a new set.
  bool needs_renewal() const noexcept { return process_ != ::getpid() || set_.number() < 0; }
  ROOST_COLD_BODY void renew();

  /// For a report, which holds the selector's thread in its wait meanwhile.
  ROOST_COLD_BODY void describe(object_note& note) const noexcept;

  ROOST_BODY int watch(int fd) noexcept;
  bool change(int how, int fd, std::uint32_t events) noexcept;
  watched& at(int fd) noexcept { return by_number_[static_cast<std::size_t>(fd)]; }

  owned_descriptor set_;
  pid_t process_ = ::getpid(); // that has made the set
  std::size_t size_ = 0;
  std::uint32_t last_key_ = 0;
  std::vector<watched> by_number_;  // of the descriptor
  std::vector<int> always_ready_;   // those that the system refuses to watch: files
  std::vector<epoll_event> events_; // as ready_, with room for all cases
  std::vector<kept_case*> ready_;
  counted_ptr<shared_case_of<ready_case>> ready_case_;
  kept_case any_; // that of the set itself
};

// --- implementation ---------------------------------------------------------

static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLERR == POLLERR &&
              EPOLLHUP == POLLHUP);

#if ROOST_HAS_BODIES

ROOST_BODY owned_descriptor new_epoll_set() {
  return {::epoll_create1(EPOLL_CLOEXEC),
          "roost: no descriptor is left for a selector that waits for descriptors"};
}

ROOST_BODY epoll_cases::epoll_cases()
    : set_(new_epoll_set()),
      ready_case_(make_counted<shared_case_of<ready_case>>(*this, set_.number())) {
  any_.shared = ready_case_;
}

ROOST_BODY void epoll_cases::add(kept_case& c) {
  if (needs_renewal())
    renew();
  descriptor_operation& added = in(c);
  if (added.descriptor() < 0 || ::fcntl(added.descriptor(), F_GETFD) < 0)
    added.fail(EBADF);
  added.check("roost::selector::add", c.shared->what.where());
  const auto numbers = static_cast<std::size_t>(added.descriptor()) + 1;
  if (by_number_.size() < numbers)
    by_number_.resize(numbers);
  events_.resize(size_ + 1);
  ready_.resize(size_ + 1);
  always_ready_.reserve(always_ready_.size() + 1);
  added.next_ = std::exchange(at(added.descriptor()).last, &added);
  added.fail(watch(added.descriptor()));
  if (added.error() != 0)
    at(added.descriptor()).last = added.next_;
  added.check("roost::selector::add", c.shared->what.where());
  added.kept_ = &c;
  ++size_;
}

ROOST_BODY void epoll_cases::remove(kept_case& c) noexcept {
  const descriptor_operation& removed = in(c);
  descriptor_operation** link = &at(removed.descriptor()).last;
  while (*link != &removed)
    link = &(*link)->next_;
  *link = removed.next_;
  --size_;
  // It fails if the user has closed it. Then the system may know it still, if it is open elsewhere;
  // and no select asks a set that is for no case. So that one goes, and add() makes another.
  const bool is_known = !needs_renewal() && watch(removed.descriptor()) == 0;
  if (size_ == 0 && !is_known) {
    ready_case_->made.renumber(-1);
    set_ = owned_descriptor();
  }
}

ROOST_BODY bool epoll_cases::change(int how, int fd, std::uint32_t events) noexcept {
  epoll_event wanted{};
  wanted.events = events;
  wanted.data.u64 = std::uint64_t{at(fd).key} << 32 | static_cast<std::uint32_t>(fd);
  return ::epoll_ctl(set_.number(), how, fd, &wanted) == 0;
}

// Tells the system what is to be watched of a descriptor. Returns 0, or the number of the error.
ROOST_BODY int epoll_cases::watch(int fd) noexcept {
  const int users_error = errno;
  std::uint32_t events = 0;
  for (const descriptor_operation* o = at(fd).last; o != nullptr; o = o->next_)
    events |= static_cast<std::uint32_t>(o->events());
  std::erase(always_ready_, fd);
  // A new one at each change: the set may hold several that have had this number, and the change
  // goes to the one that has it now.
  at(fd).key = ++last_key_;
  int error = 0;
  if (events == 0) {
    error = change(EPOLL_CTL_DEL, fd, 0) ? 0 : errno;
  } else if (!change(EPOLL_CTL_MOD, fd, events)) {
    error = errno;
    // It is new; or another one had its number, and was closed since, or is still in the set.
    if (error == ENOENT)
      error = change(EPOLL_CTL_ADD, fd, events) ? 0 : errno;
    if (error == EPERM) {
      always_ready_.push_back(fd);
      error = 0;
    }
  }
  errno = users_error;
  return error;
}

ROOST_BODY view<kept_case* const> epoll_cases::look() {
  if (size_ == 0)
    return {};
  if (const int error = ready_case_->made.take_error(); error != 0) {
    throw std::system_error(
        error, std::generic_category(), "roost::selector: the system cannot wait for descriptors");
  }
  if (needs_renewal())
    renew();
  std::size_t count = 0;
  const auto add_those = [&](int fd, std::uint32_t events) {
    for (const descriptor_operation* o = at(fd).last; o != nullptr; o = o->next_) {
      const bool wants =
          (events & static_cast<std::uint32_t>(o->events() | POLLERR | POLLHUP)) != 0;
      if (wants && count != ready_.size())
        ready_[count++] = o->kept_;
    }
  };
  bool is_stale = false;
  const int found =
      ::epoll_wait(set_.number(), events_.data(), static_cast<int>(events_.size()), 0);
  for (int i = 0; i < found; ++i) {
    const epoll_event& e = events_[static_cast<std::size_t>(i)];
    const int fd = static_cast<int>(e.data.u64 & 0xffffffff);
    if (at(fd).last != nullptr && at(fd).key == e.data.u64 >> 32) {
      add_those(fd, e.events);
    } else {
      is_stale = true;
    }
  }
  for (const int fd : always_ready_)
    add_those(fd, POLLERR);
  if (is_stale) // or the system would tell of it for ever
    renew();
  return {ready_.data(), count};
}

ROOST_COLD_BODY void epoll_cases::describe(object_note& note) const noexcept {
  constexpr std::size_t named_at_most = 4;
  note.kind = "descriptors";
  std::size_t named = 0;
  std::size_t more = 0;
  for (std::size_t number = 0; number < by_number_.size(); ++number) {
    if (by_number_[number].last == nullptr)
      continue;
    if (named == named_at_most) {
      ++more;
    } else {
      note.detail.add(named++ == 0 ? "fd " : ", ").add(number);
    }
  }
  if (more != 0)
    note.detail.add(" and ").add(more).add(" more");
}

// The old set goes first, so that the new one can have its descriptor.
ROOST_COLD_BODY void epoll_cases::renew() {
  ready_case_->made.renumber(-1); // poll() passes over it, if there is no new one
  set_ = owned_descriptor();
  set_ = new_epoll_set();
  ready_case_->made.renumber(set_.number());
  process_ = ::getpid();
  for (std::size_t number = 0; number < by_number_.size(); ++number) {
    if (by_number_[number].last != nullptr)
      (void)watch(static_cast<int>(number));
  }
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
