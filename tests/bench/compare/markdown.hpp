// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/compare/contenders.hpp"
#include "bench/compare/main_lines.hpp"
#include "bench/compare/number_text.hpp"
#include "bench/compare/options.hpp"
#include "bench/compare/result.hpp"
#include "bench/compare/verdict.hpp"

#include <algorithm>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace bench {

inline void write_row(std::ostream& out, const std::vector<std::string>& cells) {
  out << '|';
  for (const std::string& cell : cells)
    out << ' ' << cell << " |";
  out << '\n';
}

inline void write_head(std::ostream& out, const std::vector<std::string>& cells) {
  write_row(out, cells);
  write_row(out, std::vector<std::string>(cells.size(), "---"));
}

inline std::string target_text(const verdict& each) {
  if (!each.target)
    return "";
  return number_text(*each.target) + (each.met() ? " met" : " **missed**");
}

/// The ratio, marked if it is beyond the target.
inline std::string marked_text(const verdict& each) {
  return each.met() ? number_text(each.ratio) : "**" + number_text(each.ratio) + "**";
}

/// The table of the works of one group.
class group_table {
 public:
  group_table(std::ostream& out, const std::vector<result>& results, std::string group)
      : out_(out),
        results_(results),
        group_(std::move(group)) {}

  void write() {
    find_columns();
    if (columns_.empty())
      return;
    out_ << "\n## " << group_ << "\n\n";
    std::vector<std::string> head{"work"};
    for (const std::string& name : columns_)
      head.push_back(title_of(name));
    if (has_column("roost"))
      head.insert(head.end(),
                  {"best peer", "ratio", "target", "CPU: roost; least of peers", "CPU ratio"});
    if (has_column("before"))
      head.emplace_back("roost / before");
    write_head(out_, head);
    for (const result& each : results_)
      if (each.what.group == group_)
        for (const line& shown : each.what.lines)
          write_line(each, shown);
  }

 private:
  bool has_column(const std::string& name) const {
    return std::find(columns_.begin(), columns_.end(), name) != columns_.end();
  }

  // Those who have measured anything here, roost and its peers first.
  void find_columns() {
    for (const contender& each : contenders())
      add_column(each.name);
    add_column("limits");
  }
  void add_column(const std::string& name) {
    if (std::any_of(results_.begin(), results_.end(), [&](const result& each) {
          return each.what.group == group_ && each.rounds.contains(name);
        }))
      columns_.push_back(name);
  }

  void write_line(const result& each, const line& shown) const {
    std::vector<std::string> cells{shown.title};
    for (const std::string& name : columns_)
      cells.push_back(cell_of(each.of(name, shown.figure), shown.figure));
    if (has_column("roost")) {
      std::vector<std::optional<verdict>> verdicts;
      std::vector<std::optional<verdict>> of_cpu;
      for (const comparison& held : shown.comparisons) {
        verdicts.push_back(verdict_of(each, shown.figure, held));
        of_cpu.push_back(cpu_verdict_of(each, held));
      }
      cells.insert(cells.end(),
                   {joined(verdicts, [](const verdict& v) { return title_of(v.peer); }),
                    joined(verdicts, [](const verdict& v) { return number_text(v.ratio); }) +
                        beside(each, shown, verdicts),
                    joined(verdicts, target_text),
                    cpu_text(each, of_cpu),
                    joined(of_cpu, marked_text)});
    }
    if (has_column("before"))
      cells.push_back(joined({verdict_to_before(each, shown.figure)}, marked_text));
    write_row(out_, cells);
  }

  static std::string cell_of(const std::optional<summary>& its, const std::string& figure) {
    return its ? summary_text(figure, *its) : "-";
  }

  template <class F>
  static std::string joined(const std::vector<std::optional<verdict>>& verdicts, F text_of) {
    std::string all;
    for (const std::optional<verdict>& each : verdicts)
      all += (all.empty() ? "" : "; ") + (each ? std::string(text_of(*each)) : "-");
    return all;
  }

  // Who is better than all that roost is held against, if there is one.
  static std::string beside(const result& each,
                            const line& shown,
                            const std::vector<std::optional<verdict>>& verdicts) {
    const std::optional<verdict> any = verdict_of(each, shown.figure, comparison());
    const bool counted = std::any_of(verdicts.begin(), verdicts.end(), [&](const auto& held) {
      return held && held->peer == any->peer;
    });
    return any && !counted
               ? " (beside: " + title_of(any->peer) + ' ' + number_text(any->ratio) + ')'
               : "";
  }

  // "320 ns; Rust 410 ns"
  static std::string cpu_text(const result& each,
                              const std::vector<std::optional<verdict>>& verdicts) {
    const auto cpu = [&](const std::string& name) {
      const std::optional<summary> its = each.of(name, "cpu");
      return its ? duration_text(its->median) : std::string("-");
    };
    if (!each.of("roost", "cpu"))
      return "-";
    return cpu("roost") + "; " +
           joined(verdicts, [&](const verdict& v) { return title_of(v.peer) + ' ' + cpu(v.peer); });
  }

  std::ostream& out_;
  const std::vector<result>& results_;
  std::string group_;
  std::vector<std::string> columns_;
};

/// Groups stand in the order in which they first occur.
inline void write_tables(std::ostream& out, const std::vector<result>& results) {
  std::vector<std::string> groups;
  for (const result& each : results)
    if (std::find(groups.begin(), groups.end(), each.what.group) == groups.end())
      groups.push_back(each.what.group);
  for (const std::string& group : groups)
    group_table(out, results, group).write();
}

/// Short enough to be quoted.
inline void write_main_lines(std::ostream& out, const std::vector<main_line>& lines) {
  if (lines.empty())
    return;
  out << "\n## The main lines\n\n";
  write_head(out, {"work", "roost", "best peer", "ratio", "target"});
  for (const main_line& each : lines)
    write_row(out,
              {each.title,
               duration_text(each.roost),
               title_of(each.what.peer) + ' ' + duration_text(each.peer),
               number_text(each.what.ratio),
               target_text(each.what)});
}

inline void write_notes(std::ostream& out, const std::vector<std::string>& notes) {
  if (notes.empty())
    return;
  out << "\n## Notes\n\n";
  for (const std::string& note : notes)
    out << "- " << note << '\n';
}

/// results.md
inline void write_markdown(std::ostream& out,
                           const std::string& machine,
                           const std::vector<result>& results,
                           const std::vector<std::string>& notes,
                           const options& given) {
  out << "# roost and its peers\n\n" << machine << ".\n\n";
  if (given.quick)
    out << "**A quick run, with a tenth of the items: only to see that all works.**\n\n";
  out << "Median (min-max) of rounds that take turns; rounds: " << given.rounds
      << ". Contenders that would take longer than a quarter of a second for a round of a work "
         "with "
         "channels do a tenth of its items. Ratio: roost's median by that of the best of the peers "
         "that it is held against; "
         "lower is better. A still faster one is named beside. CPU: user and system time of the "
         "whole process, an item, beside the least of a peer whose tasks run on threads; a ratio "
         "above 1.5 is marked. So is a ratio to the older build above 1.1, where that takes "
         "part.\n";
  write_main_lines(out, main_lines_of(results));
  write_tables(out, results);
  write_notes(out, notes);
}

} // namespace bench
