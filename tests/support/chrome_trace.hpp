// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "support/json.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

/// Trace events as a viewer takes them: what one would refuse, or leave out, is a fault.
class chrome_trace {
 public:
  explicit chrome_trace(std::string_view text) : root_(json::read(text)) {
    for (std::size_t i = 0; i < root_["traceEvents"].size(); ++i)
      events_.push_back(&root_["traceEvents"][i]);
    check_slices();
    check_arrows();
    check_scopes();
    check_names();
  }

  /// What is wrong, one line each; nothing if it is fine.
  const std::string& faults() const { return faults_; }

  const json& root() const { return root_; }

  /// The events of a phase and, unless it is empty, a category.
  std::vector<const json*> of(std::string_view phase, std::string_view category = {}) const {
    std::vector<const json*> found;
    for (const json* const e : events_) {
      if ((*e)["ph"].text() == phase && (category.empty() || (*e)["cat"].text() == category))
        found.push_back(e);
    }
    return found;
  }

  /// Of those the ones of a name.
  std::vector<const json*>
  named(std::string_view phase, std::string_view category, std::string_view name) const {
    std::vector<const json*> found;
    for (const json* const e : of(phase, category)) {
      if ((*e)["name"].text() == name)
        found.push_back(e);
    }
    return found;
  }

  /// The only one of them; a fault if it is not.
  const json& only(std::string_view phase, std::string_view category, std::string_view name) const {
    const auto found = named(phase, category, name);
    if (found.size() != 1)
      throw std::runtime_error(std::to_string(found.size()) + " events of the name " +
                               std::string(name));
    return *found.front();
  }

  static long long begin_of(const json& e) { return nanoseconds(e["ts"]); }
  static long long end_of(const json& e) { return begin_of(e) + nanoseconds(e["dur"]); }
  static bool is_open(const json& e) { return e["args"].has("open") && e["args"]["open"].truth(); }

 private:
  static long long nanoseconds(const json& microseconds) {
    return std::llround(microseconds.real() * 1000);
  }
  void fault(const std::string& what, const json& e) {
    faults_ += what + ": " + e["name"].text() + "\n";
  }

  // In a lane each slice lies in the one before, or behind it.
  void check_slices() {
    std::map<long long, std::vector<std::pair<long long, long long>>> open;
    std::map<long long, long long> last;
    for (const json* const e : of("X")) {
      const long long lane = (*e)["tid"].number();
      const long long begin = begin_of(*e);
      const long long end = end_of(*e);
      auto& around = open[lane];
      if (last.count(lane) != 0 && begin < last[lane])
        fault("a slice out of order", *e);
      last[lane] = begin;
      while (!around.empty() && around.back().second <= begin)
        around.pop_back();
      if (!around.empty() && end > around.back().second)
        fault("a slice that crosses another", *e);
      around.emplace_back(begin, end);
      slices_.emplace(lane, std::pair(begin, end));
    }
  }

  bool has_slice_at(long long lane, long long time) const {
    const auto [first, last] = slices_.equal_range(lane);
    return std::any_of(first, last, [time](const auto& slice) {
      return slice.second.first <= time && time <= slice.second.second;
    });
  }

  void check_arrows() {
    std::map<long long, const json*> starts;
    for (const json* const e : of("s")) {
      if (!starts.emplace((*e)["id"].number(), e).second)
        fault("a second start of an arrow", *e);
    }
    for (const json* const e : of("f")) {
      const auto start = starts.find((*e)["id"].number());
      if (start == starts.end()) {
        fault("an arrow without a start", *e);
        continue;
      }
      if (begin_of(*start->second) > begin_of(*e))
        fault("an arrow back in time", *e);
      for (const json* const end : {start->second, e}) {
        if (!has_slice_at((*end)["tid"].number(), begin_of(*end)))
          fault("an arrow in no slice", *end);
      }
      starts.erase(start);
    }
    for (const auto& left : starts)
      fault("an arrow without an end", *left.second);
  }

  void check_scopes() {
    std::map<long long, const json*> begins;
    for (const json* const e : of("b")) {
      if (!begins.emplace((*e)["id"].number(), e).second)
        fault("a second begin of a scope", *e);
    }
    for (const json* const e : of("e")) {
      const auto begin = begins.find((*e)["id"].number());
      if (begin == begins.end() || begin_of(*begin->second) > begin_of(*e))
        fault("a scope without a begin before", *e);
      else
        begins.erase(begin);
    }
    for (const auto& left : begins)
      fault("a scope without an end", *left.second);
  }

  void check_names() {
    std::set<long long> lanes;
    for (const json* const e : named("M", "__metadata", "thread_name")) {
      if (!lanes.insert((*e)["tid"].number()).second)
        fault("a second name of a lane", *e);
    }
    for (const json* const e : events_) {
      if (e->has("tid") && (*e)["tid"].number() != 0 && lanes.count((*e)["tid"].number()) == 0)
        fault("a lane without a name", *e);
    }
  }

  json root_;
  std::vector<const json*> events_;
  std::multimap<long long, std::pair<long long, long long>> slices_; // begin and end, by lane
  std::string faults_;
};

} // namespace test
