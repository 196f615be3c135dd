// SPDX-License-Identifier: BSL-1.0
#pragma once
/// What the C++ peers of the benchmark have in common. A peer is a program
///
///     <peer> <work> <argument>...
///
/// that does one round of one work, checks what came out, and prints lines `<figure> <number>`:
/// `time` and `cpu`, in nanoseconds an item, unless the work says otherwise. Exits with 1 for a
/// wrong result, and with 2, printing nothing, if its library does not offer that work.
///
/// The works are written once, below; each header says what of a library it wants, and a peer is a
/// class that has, in its library's words, as much of this as there is:
///
///     int main(int argc, char** argv) { return bench::run<peer>(argc, argv); }

#include "bench/arguments.hpp"
#include "bench/blocked_works.hpp"
#include "bench/channel_works.hpp"
#include "bench/counter_works.hpp"
#include "bench/descriptor_works.hpp"
#include "bench/fork_join_works.hpp"
#include "bench/loop_works.hpp"
#include "bench/select_works.hpp"
#include "bench/task_works.hpp"

#include <cstdio>
#include <exception>
#include <span>
#include <string_view>

namespace bench {

/// `own(work, args)` does works that are this program's only: false if it does not know the work.
template <class Peer, class Own>
int run(int argc, char** argv, const Own& own) {
  try {
    arguments args(std::span(argv, static_cast<std::size_t>(argc)).subspan(1));
    const std::string_view work = args.next();
    const bool offered = run_channel_work<Peer>(work, args) || run_select_work<Peer>(work, args) ||
                         run_task_work<Peer>(work, args) || run_fork_join_work<Peer>(work, args) ||
                         run_counter_work<Peer>(work, args) || run_loop_work<Peer>(work, args) ||
                         run_blocked_work<Peer>(work, args) ||
                         run_descriptor_work<Peer>(work, args) || own(work, args);
    return offered ? 0 : 2;
  } catch (const not_offered&) {
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", argv[0], e.what());
    return 1;
  }
}

template <class Peer>
int run(int argc, char** argv) {
  return run<Peer>(argc, argv, [](std::string_view, arguments&) { return false; });
}

} // namespace bench
