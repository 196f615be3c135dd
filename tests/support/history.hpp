// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// Concurrent histories of a channel: how to record them, and whether what they show is what a
// channel may do.

namespace test {

enum class form { send, receive, select, close, stop };

enum class patience {
  endless,    // send, receive, a select of these alone
  short_time, // send_for, receive_for, a select with a timeout
  none,       // try_send, try_receive, a select with `otherwise`
};

/// How an operation ended.
enum class outcome {
  sent,
  received,
  full,
  empty,
  otherwise,
  timeout,
  send_closed, // in a select: by the case that sends
  receive_closed,
  stopped,
  yes, // closed the channel, made the stop
  no
};

/// One call: what was asked for, how it ended, and when. The stop of all threads' waits is one,
/// too.
struct operation {
  form what = form::close;
  bool sends = false;
  bool receives = false;
  patience how_long = patience::none;
  int item = 0; // what it sends; each is sent by one operation only
  int thread = 0;
  outcome end = outcome::no;
  int got = 0;    // what it received
  int called = 0; // the stamps lie around the moment at which it happened; all differ
  int returned = 0;

  static operation send(int item, patience p = patience::endless) {
    return {form::send, true, false, p, item};
  }
  static operation receive(patience p = patience::endless) {
    return {form::receive, false, true, p};
  }
  /// With the item 0 it only receives.
  static operation select(int item, bool receives, patience p = patience::endless) {
    return {form::select, item != 0, receives, p, item};
  }
  static operation close() { return {form::close}; }
  static operation stop() { return {form::stop}; }

  operation ended(outcome how, int item_got = 0) const {
    operation result = *this;
    result.end = how;
    result.got = item_got;
    return result;
  }

  bool passes_items() const { return sends || receives; }
  bool heeds_stops() const {
    return passes_items() && (what == form::select || how_long != patience::none);
  }
};

using history = std::vector<operation>;

/// Takes down what several threads do: each call between two stamps of one clock.
///
/// INVARIANT: if one call had returned before another was made, its last stamp is below the
/// other's first. The clock is seq_cst, so all threads agree on its order.
///
/// Threads: each records under its own number; clear() and all() while nobody records.
class history_recorder {
 public:
  explicit history_recorder(int threads) : of_thread_(static_cast<std::size_t>(threads)) {}

  void clear() {
    clock_ = 0;
    for (history& one : of_thread_)
      one.clear();
  }

  /// Calls `perform(op)`, which does it and sets how it ended.
  template <class Perform>
  void record(int thread, operation op, Perform perform) {
    op.thread = thread;
    op.called = ++clock_;
    perform(op);
    op.returned = ++clock_;
    of_thread_[static_cast<std::size_t>(thread)].push_back(op);
  }

  history all() const {
    history together;
    for (const history& one : of_thread_)
      together.insert(together.end(), one.begin(), one.end());
    return together;
  }

 private:
  std::atomic<int> clock_{0};
  std::vector<history> of_thread_; // each written by one thread
};

/// What a channel does when one operation is done after the other. That an operation waits is no
/// part of it: it happens at the one point where it can.
struct channel_model {
  std::size_t capacity = 0;
  std::vector<int> items = {};
  bool closed = false;
  bool stop_requested = false;

  /// Does what `op` did. False if it cannot end like that at this point.
  bool take(const operation& op);

  /// With capacity 0 an item goes from one to the other at a point that both have in common.
  bool meet(const operation& sender, const operation& receiver) const {
    return capacity == 0 && !closed && sender.end == outcome::sent &&
           receiver.end == outcome::received && sender.item == receiver.got;
  }
};

/// Why this is no history of a channel with this capacity; empty if it is one. All its operations
/// have returned, and there are at most 32.
///
/// A history is one if its operations can be put into an order in which the model does the same,
/// and in which each comes before all that were called after it had returned.
std::string objection(std::size_t capacity, const history& operations);

std::string to_string(const operation& op);

// --- implementation ---------------------------------------------------------

inline bool channel_model::take(const operation& op) {
  switch (op.end) {
  case outcome::sent:
    if (closed || items.size() >= capacity)
      return false;
    items.push_back(op.item);
    return true;
  case outcome::received:
    if (items.empty() || items.front() != op.got)
      return false;
    items.erase(items.begin());
    return true;
  case outcome::timeout:
    if (op.what == form::select) // its timeout is a case like the others, and may be drawn
      return true;
    [[fallthrough]];
  case outcome::full:
  case outcome::empty:
  case outcome::otherwise: // with capacity 0 it depends on who waits, which the model does not know
    return !closed && !(op.sends && items.size() < capacity) && !(op.receives && !items.empty());
  case outcome::send_closed:
    return closed;
  case outcome::receive_closed:
    return closed && items.empty();
  case outcome::stopped:
    return stop_requested;
  case outcome::yes:
    return !std::exchange(op.what == form::close ? closed : stop_requested, true);
  case outcome::no:
    return op.what == form::close ? closed : stop_requested;
  }
  return false;
}

/// Looks for the order of a history's operations.
///
/// Source: Wing and Gong, Testing and Verifying Concurrent Objects (1993): next comes any of the
/// operations that were called before the first of the others returned; if the model refuses all
/// of them, go back. Lowe, Testing for Linearizability (2017): what is left to do depends only on
/// which operations are done and on the state of the model, so a pair of these that led nowhere is
/// not tried again.
class linearization_search {
 public:
  linearization_search(std::size_t capacity, const history& operations)
      : operations_(operations),
        longest_end_{capacity},
        found_(go_on(0, channel_model{capacity})) {}

  bool found() const { return found_; }

  /// The longest order that the model agrees with, and the state it leads to.
  const std::vector<std::size_t>& longest() const { return longest_; }
  const channel_model& longest_end() const { return longest_end_; }

 private:
  // A set of operations, one bit for each.
  using bits = std::uint32_t;
  static bits bit(std::size_t index) { return bits{1} << index; }

  int first_return(bits done) const {
    int first = std::numeric_limits<int>::max();
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      if ((done & bit(i)) == 0)
        first = std::min(first, operations_[i].returned);
    }
    return first;
  }

  // INVARIANT: order_ is an order of the operations in `done` that leads the model from its
  // beginning to `model`, and each of them was called before any other one returned. Whether the
  // model is closed or asked to stop follows from `done`; the order of its items does not.
  bool go_on(bits done, const channel_model& model) {
    if (order_.size() > longest_.size()) {
      longest_ = order_;
      longest_end_ = model;
    }
    if (order_.size() == operations_.size())
      return true;
    if (!tried_.emplace(done, model.items).second)
      return false;
    const int horizon = first_return(done);
    std::vector<std::size_t> next;
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      if ((done & bit(i)) == 0 && operations_[i].called < horizon)
        next.push_back(i);
    }
    for (const std::size_t i : next) {
      channel_model after = model;
      if (after.take(operations_[i]) && go_on_after({i}, done | bit(i), after))
        return true;
      for (const std::size_t j : next) {
        if (model.meet(operations_[i], operations_[j]) &&
            go_on_after({i, j}, done | bit(i) | bit(j), model))
          return true;
      }
    }
    return false;
  }

  bool go_on_after(const std::vector<std::size_t>& step, bits done, const channel_model& model) {
    order_.insert(order_.end(), step.begin(), step.end());
    const bool success = go_on(done, model);
    order_.resize(order_.size() - step.size());
    return success;
  }

  const history& operations_;
  std::vector<std::size_t> order_;
  std::vector<std::size_t> longest_;
  channel_model longest_end_;
  std::set<std::pair<bits, std::vector<int>>> tried_;
  bool found_; // last: the search needs the others
};

/// Whether operations of this kind can end like that at all.
inline bool fits(const operation& op) {
  switch (op.end) {
  case outcome::sent:
  case outcome::send_closed:
    return op.sends;
  case outcome::received:
  case outcome::receive_closed:
    return op.receives;
  case outcome::full:
    return op.what == form::send && op.how_long == patience::none;
  case outcome::empty:
    return op.what == form::receive && op.how_long == patience::none;
  case outcome::otherwise:
    return op.what == form::select && op.how_long == patience::none;
  case outcome::timeout:
    return op.passes_items() && op.how_long == patience::short_time;
  case outcome::stopped:
    return op.heeds_stops();
  case outcome::yes:
  case outcome::no:
    return !op.passes_items();
  }
  return false;
}

inline std::string to_string(const operation& op) {
  const std::string item = std::to_string(op.item);
  const auto form_name = [&](const std::string& name) {
    return op.how_long == patience::none         ? "try_" + name
           : op.how_long == patience::short_time ? name + "_for"
                                                 : name;
  };
  std::string text;
  switch (op.what) {
  case form::send:
    text = form_name("send") + "(" + item + ")";
    break;
  case form::receive:
    text = form_name("receive") + "()";
    break;
  case form::select:
    text = "select(";
    text += op.sends ? "send " + item : "";
    text += op.sends && op.receives ? " | receive" : op.receives ? "receive" : "";
    text += op.how_long == patience::none         ? " | otherwise)"
            : op.how_long == patience::short_time ? " | timeout)"
                                                  : ")";
    break;
  case form::close:
    text = "close()";
    break;
  case form::stop:
    text = "request_stop()";
    break;
  }
  constexpr const char* ends[] = {"sent",
                                  "received ",
                                  "full",
                                  "empty",
                                  "otherwise",
                                  "timeout",
                                  "closed for sends",
                                  "closed for receives",
                                  "stopped",
                                  "true",
                                  "false"};
  text += std::string(" -> ") + ends[static_cast<std::size_t>(op.end)];
  return op.end == outcome::received ? text + std::to_string(op.got) : text;
}

inline std::string objection(std::size_t capacity, const history& operations) {
  if (operations.size() > 32)
    throw std::invalid_argument("test::objection: at most 32 operations");
  std::string text;
  // A stop is looked at first: whatever is called after it, and heeds stops, is stopped.
  int stopped_since = std::numeric_limits<int>::max();
  for (const operation& op : operations) {
    if (op.what == form::stop && op.end == outcome::yes)
      stopped_since = std::min(stopped_since, op.returned);
  }
  for (const operation& op : operations) {
    if (!fits(op))
      text += "it cannot end like this: " + to_string(op) + "\n";
    if (op.heeds_stops() && op.called > stopped_since && op.end != outcome::stopped)
      text += "called after the stop: " + to_string(op) + "\n";
  }
  const linearization_search search(capacity, operations);
  if (!search.found()) {
    text += "no order explains it; the longest that begins well:";
    for (const std::size_t i : search.longest())
      text += " " + to_string(operations[i]) + ";";
    text += search.longest_end().closed ? " then it is closed and holds" : " then it holds";
    for (const int item : search.longest_end().items)
      text += " " + std::to_string(item);
    text += search.longest_end().items.empty() ? " nothing\n" : "\n";
  }
  if (text.empty())
    return text;
  text = "channel of capacity " + std::to_string(capacity) + ":\n" + text;
  history by_call = operations;
  std::sort(by_call.begin(), by_call.end(), [](const operation& a, const operation& b) {
    return a.called < b.called;
  });
  for (const operation& op : by_call) {
    text += "  " + std::to_string(op.called) + ".." + std::to_string(op.returned) + "  thread " +
            std::to_string(op.thread) + "  " + to_string(op) + "\n";
  }
  return text;
}

} // namespace test
