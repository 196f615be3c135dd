// SPDX-License-Identifier: BSL-1.0

// What atomics return, after the standard: a store history for each, happens-before by vector
// clocks. Stores are replaced in the order in which they happen here, and that is the order of all
// seq_cst operations, too: what the standard allows beyond that is not explored.

#include "model/world.hpp"

#include <array>
#include <cstddef>

namespace model {

namespace {

struct stored {
  std::uint64_t value = 0;
  int by = 0;
  std::uint16_t moment =
      0; // of the thread that has stored it; 0 of what was there from the beginning
  std::uint64_t number = 0; // of all stores
  vector_clock released;    // what is known to the thread that acquires it
};

// So many stores can be read again, or less.
constexpr std::size_t kept = 8;

struct history {
  std::uint64_t count = 0; // the last is number count - 1
  std::array<stored, kept> stores;
  std::uint64_t seq_cst_from = 0; // a seq_cst load reads none before
  // What a thread has read last, and until when: then a thread that knows that moment reads nothing
  // older.
  struct look {
    std::uint16_t moment = 0;
    std::uint64_t number = 0;
  };
  std::array<std::array<look, kept>, most_threads> looks; // a ring for each thread
  std::array<std::size_t, most_threads> look_count{};

  stored& at(std::uint64_t number) noexcept { return stores[number % kept]; }
  stored& last() noexcept { return at(count - 1); }
};

constexpr std::size_t most_histories = 4096;
std::array<history, most_histories> histories;
std::size_t histories_used = 0;

bool acquires(std::memory_order order) noexcept {
  return order == std::memory_order_acquire || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst || order == std::memory_order_consume;
}
bool releases(std::memory_order order) noexcept {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

bool knows(std::uint16_t moment, int of) noexcept {
  return knowledge().at[static_cast<std::size_t>(of)] >= moment;
}

history& history_of(const atomic_word& word, void* from) noexcept {
  plain_access(&word.value, sizeof word.value, false, from);
  if (word.alive != atomic_word::is_alive)
    fail("an atomic is used that is not there (any more)");
  if (word.run != the_world.run) {
    if (histories_used == most_histories)
      fail("the case has too many atomics");
    history& made = histories[histories_used++];
    made.count = 1;
    made.stores[0] = {};
    made.stores[0].value = word.value;
    made.seq_cst_from = 0;
    made.look_count = {};
    word.run = the_world.run;
    word.history = &made;
  }
  return *static_cast<history*>(word.history);
}

void looked(history& of, std::uint64_t number) noexcept {
  const auto me = static_cast<std::size_t>(current->id);
  std::size_t& count = of.look_count[me];
  if (count != 0 && of.looks[me][(count - 1) % kept].number == number)
    return;
  of.looks[me][count++ % kept] = {current->moment(), number};
}

std::uint64_t oldest_readable(history& of, std::memory_order order) noexcept {
  std::uint64_t oldest = of.count > kept ? of.count - kept : 0;
  for (std::uint64_t n = oldest; n < of.count; ++n) {
    const stored& s = of.at(n);
    if (knows(s.moment, s.by) || s.number <= current->saw_all_until)
      oldest = n;
  }
  for (std::size_t t = 0; t < most_threads; ++t) {
    const std::size_t count = of.look_count[t];
    for (std::size_t i = count > kept ? count - kept : 0; i < count; ++i) {
      const history::look& look = of.looks[t][i % kept];
      if (knows(look.moment, static_cast<int>(t)) && look.number > oldest)
        oldest = look.number;
    }
  }
  if (order == std::memory_order_seq_cst && of.seq_cst_from > oldest)
    oldest = of.seq_cst_from;
  return oldest;
}

void add_store(history& to,
               std::uint64_t value,
               const vector_clock& released,
               std::memory_order order) noexcept {
  const std::uint64_t number = to.count++;
  stored& s = to.at(number);
  s.value = value;
  s.by = current->id;
  s.moment = current->moment();
  s.number = ++the_world.stores;
  s.released = released;
  if (order == std::memory_order_seq_cst)
    to.seq_cst_from = number;
  looked(to, number);
}

const char* name_of(std::memory_order order) noexcept {
  switch (order) {
  case std::memory_order_relaxed:
    return "relaxed";
  case std::memory_order_release:
    return "release";
  case std::memory_order_acq_rel:
    return "acq_rel";
  case std::memory_order_seq_cst:
    return "seq_cst";
  default:
    return "acquire";
  }
}

void note_look(const void* address) noexcept {
  thread& me = *current;
  me.looked_at[me.looks++ % me.looked_at.size()] = address;
}

} // namespace

void forget_histories() noexcept {
  histories_used = 0;
}

std::uint64_t load(const atomic_word& word, std::memory_order order, place where) noexcept {
  if (current == nullptr)
    return word.value;
  step(&word, "loads", where);
  history& of = history_of(word, __builtin_return_address(0));
  const std::uint64_t oldest = oldest_readable(of, order);
  alternatives readable;
  for (std::uint64_t n = of.count; n-- > oldest && readable.count < 4;)
    readable.add(readable.count == 0 ? price::nothing : price::staleness);
  const std::uint64_t number = of.count - 1 - (readable.count > 1 ? choose(readable) : 0);
  const stored& s = of.at(number);
  looked(of, number);
  note_look(&word);
  if (order == std::memory_order_seq_cst && number > of.seq_cst_from)
    of.seq_cst_from = number;
  if (acquires(order))
    knowledge().join(s.released);
  trace(number == of.count - 1 ? "loads" : "loads what is old", &word, s.value, where);
  trace(name_of(order), &word, s.value, where);
  return s.value;
}

void store(atomic_word& word, std::uint64_t value, std::memory_order order, place where) noexcept {
  if (current == nullptr) {
    word.value = value;
    return;
  }
  step(&word, "stores", where);
  history& of = history_of(word, __builtin_return_address(0));
  add_store(of, value, releases(order) ? knowledge() : vector_clock(), order);
  current->tick();
  trace(name_of(order), &word, value, where);
  if (value != word.value)
    changed(&word);
  word.value = value;
}

std::uint64_t read_modify_write(atomic_word& word,
                                modify how,
                                std::uint64_t operand,
                                std::memory_order order,
                                place where) noexcept {
  const std::uint64_t before = word.value;
  if (current == nullptr) {
    word.value = how(before, operand);
    return before;
  }
  step(&word, "modifies", where);
  history& of = history_of(word, __builtin_return_address(0));
  const stored last = of.last();
  if (acquires(order))
    knowledge().join(last.released);
  vector_clock released = releases(order) ? knowledge() : vector_clock();
  released.join(last.released); // a release sequence goes on
  const std::uint64_t value = how(last.value, operand);
  add_store(of, value, released, order);
  current->tick();
  trace(name_of(order), &word, value, where);
  note_look(&word);
  word.value = value;
  if (value != last.value)
    changed(&word);
  return last.value;
}

bool compare_exchange(atomic_word& word,
                      std::uint64_t& expected,
                      std::uint64_t desired,
                      std::memory_order success,
                      std::memory_order failure,
                      place where) noexcept {
  if (current == nullptr) {
    const bool same = word.value == expected;
    (same ? word.value : expected) = same ? desired : word.value;
    return same;
  }
  step(&word, "compares and exchanges", where);
  history& of = history_of(word, __builtin_return_address(0));
  const stored last = of.last();
  if (last.value == expected) {
    if (acquires(success))
      knowledge().join(last.released);
    vector_clock released = releases(success) ? knowledge() : vector_clock();
    released.join(last.released);
    add_store(of, desired, released, success);
    current->tick();
    trace(name_of(success), &word, desired, where);
    word.value = desired;
    if (desired != expected)
      changed(&word);
    return true;
  }
  looked(of, of.count - 1);
  note_look(&word);
  if (acquires(failure))
    knowledge().join(last.released);
  trace("finds", &word, last.value, where);
  expected = last.value;
  return false;
}

void destroyed(atomic_word& word) noexcept {
  if (current == nullptr)
    return;
  plain_access(&word.value, sizeof word.value, true, __builtin_return_address(0));
  word.alive = 0;
}

} // namespace model
