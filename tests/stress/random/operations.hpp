// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>
#include <roost/posix.hpp>

#include "stress/random/observations.hpp"
#include "stress/random/program.hpp"
#include "stress/random/world.hpp"

#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <unistd.h>
#include <utility>
#include <vector>

// How each operation is done on roost, and what is noted of it.

namespace test::random {

/// A send with `send(item&)`: notes which side has the item now, whatever comes out.
template <class Send>
void send_one(frame& f, int channel, Send send) {
  std::optional<item> i = f.make_item(channel);
  if (!i)
    return;
  const int id = i->id();
  const auto note = [&](bool was_sent) {
    if (was_sent == i->has_content())
      f.seen.torn_items.add();
    if (was_sent)
      f.sent(channel, id);
    else
      i->keep();
  };
  bool was_sent = false;
  try {
    was_sent = send(*i);
  } catch (...) {
    note(false);
    throw;
  }
  note(was_sent);
}

inline void send(const node& n, frame& f) {
  const auto tx = f.in.to(n.object);
  for (int turn = 0; tx && turn < n.count; ++turn) {
    send_one(f, n.object, [&](item& i) -> bool {
      switch (n.patient) {
      case patience::endless:
        return tx->send(std::move(i));
      case patience::limited:
        return tx->send_for(std::move(i), n.time);
      default:
        return tx->try_send(std::move(i));
      }
    });
  }
}

inline void send_all(const node& n, frame& f) {
  const auto tx = f.in.to(n.object);
  if (!tx)
    return;
  std::vector<item> all;
  std::vector<int> ids;
  const auto wanted = static_cast<std::size_t>(n.count) * (n.variant % 8 == 0 ? 40 : 1);
  all.reserve(wanted);
  ids.reserve(wanted);
  for (std::size_t k = 0; k < wanted; ++k) {
    std::optional<item> i = f.make_item(n.object, static_cast<int>(k));
    if (!i)
      break;
    ids.push_back(i->id());
    all.push_back(std::move(*i));
  }
  const auto note = [&] {
    const std::size_t sent = ids.size() - all.size();
    for (std::size_t k = 0; k < sent; ++k)
      f.sent(n.object, ids[k]);
    for (item& i : all)
      i.keep();
  };
  std::size_t told = 0;
  try {
    told = tx->send_all(std::move(all));
  } catch (...) {
    note(); // NOLINT(bugprone-use-after-move): what was not sent is still there
    throw;
  }
  if (told != ids.size() - all.size())
    f.seen.torn_items.add();
  note();
}

/// Of a receiver of any kind.
template <class Receiver>
auto receive_once(const node& n, const Receiver& rx) {
  switch (n.patient) {
  case patience::endless:
    return rx.receive();
  case patience::limited:
    return rx.receive_for(n.time);
  default:
    return rx.try_receive();
  }
}

inline void receive(const node& n, frame& f) {
  const auto& rx = f.in.from(n.object);
  for (int turn = 0; turn < n.count; ++turn) {
    auto r = receive_once(n, rx);
    if (!r)
      return;
    f.received(n.object, std::move(*r));
  }
}

inline void receive_some(const node& n, frame& f) {
  std::vector<item> all;
  const auto note = [&] {
    for (item& i : all)
      f.received(n.object, std::move(i));
  };
  const auto& rx = f.in.from(n.object);
  try {
    (void)rx.receive_some(all, static_cast<std::size_t>(n.count));
  } catch (...) {
    note();
    throw;
  }
  note();
}

inline void close(const node& n, frame& f) {
  switch (n.variant % 16) {
  case 0:
    return (void)f.in.on_air.close();
  case 1:
    return (void)f.in.state.close();
  default:
    return (void)f.in.from(n.object).close();
  }
}

inline void fail_channel(const node& n, frame& f) {
  if (const auto tx = f.in.to(n.object))
    (void)tx->fail(std::make_exception_ptr(std::runtime_error("the channel's")));
}

// --- broadcast, watch ------------------------------------------------------------

inline void publish(const node& n, frame& f) {
  for (int turn = 0; turn < n.count; ++turn) {
    const auto sent = [&]() -> roost::send_result {
      switch (n.patient) {
      case patience::endless:
        return f.in.on_air.send(f.next_on_air());
      case patience::limited:
        return f.in.on_air.send_for(f.next_on_air(), n.time);
      default:
        return f.in.on_air.try_send(f.next_on_air());
      }
    }();
    if (!sent)
      return;
    f.told_on_air();
  }
}

/// What a receiver has had last, of each sender.
class last_heard {
 public:
  /// How far `n` comes after what this sender told last; nothing for its first.
  std::optional<int> distance(const news& n) {
    for (auto& [sender, sequence] : all_) {
      if (sender == n.sender)
        return n.sequence - std::exchange(sequence, n.sequence);
    }
    all_.emplace_back(n.sender, n.sequence);
    return std::nullopt;
  }

 private:
  std::vector<std::pair<int, int>> all_;
};

inline void hear(const node& n, frame& f) {
  const bool is_patient = n.variant % 2 == 0;
  const auto rx =
      f.in.on_air.subscribe(is_patient ? roost::overflow::block : roost::overflow::drop_oldest);
  last_heard last;
  for (int turn = 0; turn < n.count; ++turn) {
    const auto heard = receive_once(n, rx);
    if (!heard)
      return;
    if (const auto distance = last.distance(*heard);
        distance && (is_patient ? *distance != 1 : *distance < 1))
      f.seen.news_missed.add();
    pause(f);
  }
}

inline void change(const node&, frame& f) {
  if (f.in.state.set(f.next_state()))
    f.changed();
}

inline void look(const node& n, frame& f) {
  const auto rx = f.in.state.subscribe();
  last_heard last;
  for (int turn = 0; turn < n.count; ++turn) {
    const auto seen = n.patient == patience::endless ? rx.wait() : rx.wait_for(n.time);
    if (!seen)
      return;
    if (const auto distance = last.distance(*seen); distance && *distance < 1)
      f.seen.went_backwards.add();
  }
}

// --- what else there is to wait for ------------------------------------------------

/// Waits at an event or a wait group.
template <class Waitable>
void await(const node& n, Waitable& w) {
  switch (n.patient) {
  case patience::endless:
    return w.wait();
  case patience::limited:
    return (void)w.wait_for(n.time);
  default:
    return (void)w.wait_for(microseconds(0));
  }
}

inline void arrive(const node& n, frame& f) {
  roost::barrier& b = f.in.gate;
  const auto note = [&](bool has_passed) {
    if (has_passed)
      f.seen.passed.add();
  };
  switch (n.variant % 12) {
  case 0:
    f.seen.dropped_out.add(); // before: a phase may end by it
    return b.arrive_and_drop();
  case 1:
  case 2:
  case 3: {
    f.seen.arrived.add();
    const auto phase = b.arrive();
    return note(n.patient == patience::endless ? (b.wait(phase), true) : b.wait_for(phase, n.time));
  }
  default: {
    // Counted before, as others may pass before this thread goes on, and taken back if it has not.
    f.seen.arrived.add();
    bool has_passed = false;
    try {
      has_passed = n.patient == patience::endless ? (b.arrive_and_wait(), true)
                                                  : b.arrive_and_wait_for(n.time);
    } catch (...) {
      f.seen.arrived.add(-1);
      throw;
    }
    if (!has_passed)
      f.seen.arrived.add(-1);
    return note(has_passed);
  }
  }
}

/// A byte goes into one end of the wire, comes out of it, or is waited for.
inline void use_wire(const node& n, frame& f) {
  const int fd = n.variant / 4 % 2 == 0 ? f.in.wire.near : f.in.wire.far;
  char byte = 'x';
  switch (n.variant % 4) {
  case 0:
    roost::select(roost::on_readable(fd),
                  roost::on_timeout(n.time),
                  roost::on_set(f.in.events.at(static_cast<std::size_t>(n.object))));
    return;
  case 1:
    if (n.patient == patience::endless)
      roost::wait_readable(fd);
    if (roost::wait_readable_for(fd, n.time) && ::read(fd, &byte, 1) < 0)
      return; // another one has read first
    return;
  default:
    if (roost::wait_writable_for(fd, n.time) && ::write(fd, &byte, 1) < 0)
      return;
  }
}

} // namespace test::random
