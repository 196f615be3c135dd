// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/compare/work.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// The works with channels: by one thread alone, by a few, by all on one CPU, by 64 a side.
class channel_catalogue {
 public:
  std::vector<work> build() {
    alone();
    few();
    on_one_cpu();
    crowded();
    return std::move(works_);
  }

 private:
  using targets = std::map<std::string, double>; // by capacity

  static constexpr const char* capacities[] = {"0", "1", "64", "1024", "unbounded"};

  // Each item takes a switch from thread to thread. Go and Boost.Fiber, which switch within one,
  // are shown beside the peers with threads.
  static bool is_hand_over(const std::string& capacity) {
    return capacity == "0" || capacity == "1";
  }
  static std::vector<std::string> peers_at(const std::string& capacity) {
    using peers = std::vector<std::string>;
    return is_hand_over(capacity) ? peers{"std", "tbb", "moodycamel", "rust"} : peers{};
  }

  // For some ten to fifty milliseconds a run, on two cores; 64 threads can share each, or a tenth.
  long items_at(const std::string& capacity) const {
    if (is_hand_over(capacity))
      return crowded_ || pinned_ ? 19'200 : 96'000;
    return crowded_ ? 160'000 : 640'000;
  }
  long selected_items_at(const std::string& capacity) const {
    if (is_hand_over(capacity))
      return items_at(capacity) / 2;
    return crowded_ ? 96'000 : 192'000;
  }

  static std::string at(const std::string& capacity) {
    return capacity == "unbounded" ? " unbounded" : " at " + capacity;
  }

  void
  add(const std::string& name, std::vector<std::string> command, long count, comparison against) {
    works_.push_back({group_,
                      prefix_ + name,
                      std::move(command),
                      count,
                      {{prefix_ + name, "time", {std::move(against)}}},
                      pinned_,
                      true});
  }

  void add_channel(const std::string& kind,
                   const std::string& senders,
                   const std::string& receivers,
                   const std::string& capacity,
                   std::optional<double> target,
                   bool in_chart,
                   const std::string& item = "int64") {
    const std::string of_item = item == "int64" ? "" : ", " + item;
    add(kind + at(capacity) + of_item,
        {"channel", senders, receivers, capacity, item, "#"},
        items_at(capacity),
        {peers_at(capacity), target, in_chart});
  }

  // At all capacities. Those with a target are in the chart.
  void add_channels(const std::string& kind,
                    const std::string& senders,
                    const std::string& receivers,
                    const targets& at) {
    for (const std::string capacity : capacities) {
      const auto found = at.find(capacity);
      if (found == at.end())
        add_channel(kind, senders, receivers, capacity, std::nullopt, false);
      else
        add_channel(kind, senders, receivers, capacity, found->second, true);
    }
  }

  void add_ping_pong(const std::string& capacity, double target, bool in_chart) {
    const std::string name = prefix_ + "ping-pong at " + capacity;
    const std::vector<std::string> peers = peers_at(capacity);
    works_.push_back(
        {group_,
         name,
         {"ping_pong", capacity, "#"},
         pinned_ ? 10'000 : 30'000,
         {{name + ", p50", "p50", {{peers, target, in_chart}}}, {name + ", p99", "p99", {{peers}}}},
         pinned_,
         true});
  }

  void add_selects(const std::string& threads, double target, bool in_chart) {
    for (const std::string capacity : {"0", "64"}) {
      const long items = selected_items_at(capacity);
      const comparison against{peers_at(capacity), target, in_chart};
      add("select_rx " + threads + at(capacity),
          {"select_rx", threads, capacity, "#"},
          items,
          against);
      add("select_both " + threads + at(capacity),
          {"select_both", threads, capacity, "#"},
          items,
          against);
    }
  }

  void alone() {
    group_ = "One thread alone: send and receive";
    for (const std::string capacity : {"1", "64", "1024", "unbounded"})
      add("seq" + at(capacity),
          {"seq", capacity, "int64", "#"},
          1'000'000,
          {{}, 0.75, capacity == "64"});
  }

  void few() {
    group_ = "Threads and channels";
    const targets one_to_one{
        {"0", 0.7}, {"1", 0.8}, {"64", 0.65}, {"1024", 0.6}, {"unbounded", 0.6}};
    const targets many_to_one{{"64", 0.65}, {"unbounded", 0.6}};
    const targets many_to_many{{"0", 0.85}, {"64", 0.65}, {"unbounded", 0.6}};
    add_channels("spsc", "1", "1", one_to_one);
    add_channels("mpsc 4-1", "4", "1", many_to_one);
    add_channels("mpmc 4-4", "4", "4", many_to_many);
    for (const char* const item : {"bytes64", "unique_ptr"}) {
      add_channel("spsc", "1", "1", "64", 0.65, false, item);
      add_channel("mpmc 4-4", "4", "4", "64", 0.65, false, item);
    }
    add_ping_pong("0", 0.8, true);
    add_ping_pong("1", 0.8, false);
    add_selects("4", 0.8, true);
  }

  void on_one_cpu() {
    group_ = "The same, all threads on one CPU";
    prefix_ = "one CPU: ";
    pinned_ = true;
    for (const std::string capacity : capacities)
      add_channel("spsc", "1", "1", capacity, 1.0, capacity == "0" || capacity == "64");
    for (const std::string capacity : capacities)
      add_channel("mpsc 4-1", "4", "1", capacity, 1.0, false);
    for (const std::string capacity : capacities)
      add_channel("mpmc 4-4", "4", "4", capacity, 1.0, capacity == "64");
    add_ping_pong("0", 1.0, false);
    add_ping_pong("1", 1.0, false);
    add_selects("4", 1.0, false);
    pinned_ = false;
  }

  void crowded() {
    group_ = "The same, 64 threads a side";
    prefix_ = "crowd: ";
    crowded_ = true;
    for (const std::string capacity : capacities)
      add_channel("mpsc 64-1", "64", "1", capacity, 1.0, capacity == "64");
    for (const std::string capacity : capacities)
      add_channel("mpmc 64-64", "64", "64", capacity, 1.0, capacity == "0" || capacity == "64");
    add_selects("64", 1.0, false);
  }

  std::string group_;
  std::string prefix_; // of the names
  bool pinned_ = false;
  bool crowded_ = false;
  std::vector<work> works_;
};

} // namespace bench
