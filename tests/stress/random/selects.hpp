// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include "stress/random/observations.hpp"
#include "stress/random/operations.hpp"
#include "stress/random/program.hpp"
#include "stress/random/world.hpp"

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <utility>

namespace test::random {

inline void select(const node& n, frame& f) {
  using roost::on_receive;
  using roost::on_send;
  const int one = n.object;
  const int other = (n.object + 1 + n.variant % 2) % 3;
  const auto took = [&](int channel) {
    return [&f, channel](auto r) {
      if (r)
        f.received(channel, std::move(*r));
    };
  };
  const auto tx = f.in.to(other);
  const auto& rx = f.in.from(one);
  bool sent = false;
  const auto note = [&sent](roost::send_result r) { sent = bool(r); };
  switch (n.variant / 2 % 8) {
  case 0:
    if (tx) {
      send_one(f, other, [&](item& i) {
        roost::select(
            on_receive(rx, took(one)), on_send(*tx, std::move(i), note), roost::on_timeout(n.time));
        return sent;
      });
    }
    break;
  case 1:
    roost::select(on_receive(rx, took(one)),
                  on_receive(f.in.from(other), took(other)),
                  roost::on_set(f.in.events.at(static_cast<std::size_t>(n.count % 3))));
    break;
  case 2:
    if (tx) {
      send_one(f, other, [&](item& i) {
        roost::select(on_send(*tx, std::move(i), note),
                      roost::on_deadline(roost::clock::now() + n.time),
                      roost::on_done(f.in.groups.at(static_cast<std::size_t>(one))));
        return sent;
      });
    }
    break;
  case 3:
    roost::select(on_receive(rx, took(one)), roost::otherwise());
    break;
  case 4:
    roost::select(roost::on_tick(f.in.beat),
                  on_receive(rx, took(one)),
                  roost::on_set(f.in.events.at(static_cast<std::size_t>(one))));
    break;
  case 5: // it does not receive what it sends itself
    if (const auto mine = f.in.to(one)) {
      send_one(f, one, [&](item& i) {
        roost::select_biased(on_receive(rx, took(one)),
                             on_send(*mine, std::move(i), note),
                             roost::on_timeout(n.time));
        return sent;
      });
    }
    break;
  case 6: {
    const auto changes = f.in.state.subscribe();
    const auto heard = f.in.on_air.subscribe();
    roost::select(on_receive(heard, [](const auto&) {}),
                  on_receive(rx, took(one)),
                  roost::on_change(changes, [](const auto&) {}));
    break;
  }
  default: {
    roost::select(roost::on_send(f.in.on_air,
                                 f.next_on_air(),
                                 [&](roost::send_result r) {
                                   if (r)
                                     f.told_on_air();
                                 }),
                  on_receive(rx, took(one)),
                  roost::on_timeout(n.time));
    break;
  }
  }
}

inline void selector(const node& n, frame& f) {
  roost::selector all;
  for (int channel = 0; channel < 3; ++channel) {
    if (n.variant >> channel & 1) {
      all.add(roost::on_receive(f.in.from(channel), [&f, channel](auto r) {
        if (r)
          f.received(channel, std::move(*r));
      }));
    }
    const auto tx = n.variant >> (3 + channel) & 1 ? f.in.to(channel) : std::nullopt;
    std::optional<item> i;
    if (tx)
      i = f.make_item(channel);
    if (!i)
      continue;
    try {
      all.add(roost::on_send(*tx, std::move(*i), [&f, channel, id = i->id()](auto r) {
        if (r)
          f.sent(channel, id);
      }));
    } catch (...) {
      i->keep(); // NOLINT(bugprone-use-after-move): a case that could not be added leaves it
      throw;
    }
  }
  const auto key = all.add(roost::on_set(f.in.events.at(static_cast<std::size_t>(n.object))));
  all.add(roost::on_timeout(n.time));
  if (n.variant >> 6 & 1)
    all.add(roost::on_tick(f.in.beat));
  for (int turn = 0; turn < n.count && !all.empty(); ++turn) {
    switch (n.patient) {
    case patience::endless:
      (void)all.select();
      break;
    case patience::limited:
      (void)all.select_for(n.time);
      break;
    default:
      (void)all.try_select();
    }
    if (n.variant >> 7 & 1)
      all.remove(key);
  }
}

/// Does the operation of a node that has no children.
inline void operate(const node& n, frame& f) {
  const auto at = static_cast<std::size_t>(n.object);
  switch (n.what) {
  case kind::send:
    return send(n, f);
  case kind::send_all:
    return send_all(n, f);
  case kind::receive:
    return receive(n, f);
  case kind::receive_some:
    return receive_some(n, f);
  case kind::close:
    return close(n, f);
  case kind::fail_channel:
    return fail_channel(n, f);
  case kind::publish:
    return publish(n, f);
  case kind::hear:
    return hear(n, f);
  case kind::change:
    return change(n, f);
  case kind::look:
    return look(n, f);
  case kind::set:
    return f.in.events.at(at).set();
  case kind::await:
    return await(n, f.in.events.at(at));
  case kind::await_group:
    return await(n, f.in.groups.at(at));
  case kind::arrive:
    return arrive(n, f);
  case kind::tick:
    return (void)f.in.beat.wait();
  case kind::select:
    return select(n, f);
  case kind::selector:
    return selector(n, f);
  case kind::use_wire:
    return use_wire(n, f);
  case kind::sleep:
    return roost::this_task::sleep_for(n.time);
  case kind::checkpoint:
    return roost::this_task::checkpoint();
  case kind::compute:
    return dither(f.random, 2000);
  case kind::fail:
    throw planned(&f.seen, -1);
  case kind::stop_scope:
    return (void)f.scope->request_stop("a node's");
  case kind::stop_source:
    return (void)f.in.source.request_stop();
  default:
    throw std::logic_error("a structure is no operation");
  }
}

} // namespace test::random
