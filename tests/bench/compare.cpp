// SPDX-License-Identifier: BSL-1.0
// Runs the programs of roost and of its peers on the same works, in turns, and writes results.md,
// chart.svg and results.csv. A work is measured by a process of its own each round.

#include "bench/compare/catalogue.hpp"
#include "bench/compare/compile_cost.hpp"
#include "bench/compare/csv.hpp"
#include "bench/compare/limits.hpp"
#include "bench/compare/machine.hpp"
#include "bench/compare/main_lines.hpp"
#include "bench/compare/markdown.hpp"
#include "bench/compare/measure.hpp"
#include "bench/compare/options.hpp"
#include "bench/compare/search_time.hpp"
#include "bench/compare/svg_chart.hpp"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace bench;

class comparison_run {
 public:
  explicit comparison_run(const options& given)
      : given_(given),
        machine_(machine_text(given.compiler)),
        names_(present_contenders(given)) {}

  /// Whether roost has done all that it was asked for.
  bool run() {
    if (std::find(names_.begin(), names_.end(), "roost") == names_.end())
      throw std::runtime_error("there is no bench_roost in " + given_.programs.string());
    std::filesystem::create_directories(given_.results);
    note_missing();
    measure(limit_works(), {"limits"});
    measure(catalogue(), names_);
    measure_compile_cost();
    if (given_.wants("search"))
      add(search_time(given_).measure(), "roost");
    write();
    return roost_has_all_;
  }

 private:
  void note_missing() {
    for (const contender& each : contenders())
      if (is_peer(each.name) && !is_tool(each.name) &&
          std::find(names_.begin(), names_.end(), each.name) == names_.end())
        notes_.emplace_back(each.title + " did not take part" +
                            (each.remedy.empty() ? "" : ": " + each.remedy));
  }

  void measure(const std::vector<work>& works, const std::vector<std::string>& names) {
    for (const work& each : works)
      if (given_.wants(each.name)) {
        std::cerr << each.name << '\n';
        add(interleaved_rounds(given_, each, names).run(), names.front());
      }
  }

  void measure_compile_cost() {
    if (given_.include.empty()) {
      notes_.emplace_back("what it takes to compile was not measured: --include is missing");
      return;
    }
    compile_cost cost(given_);
    if (given_.wants("compile: include"))
      add(cost.time_to_include(), "roost");
    if (given_.wants("compile: small user"))
      add(cost.small_user(), "roost");
    if (given_.wants("compile: small user of roost::compiled"))
      add(cost.small_user_of_compiled(), "roost");
  }

  void add(result each, const std::string& first) {
    if (first == "roost" && !each.rounds.contains("roost"))
      roost_has_all_ = false;
    notes_.insert(notes_.end(), each.notes.begin(), each.notes.end());
    results_.push_back(std::move(each));
  }

  void write() const {
    std::ofstream markdown(given_.results / "results.md");
    write_markdown(markdown, machine_, results_, notes_, given_);
    std::ofstream chart(given_.results / "chart.svg");
    svg_chart(chart, main_lines_of(results_)).write(machine_);
    std::ofstream csv(given_.results / "results.csv");
    write_csv(csv, results_);
  }

  const options& given_;
  std::string machine_;
  std::vector<std::string> names_;
  std::vector<std::string> notes_;
  std::vector<result> results_;
  bool roost_has_all_ = true;
};

} // namespace

int main(int argc, char** argv) {
  try {
    const options given = options_of({argv + 1, argv + argc});
    return comparison_run(given).run() ? 0 : 1;
  } catch (const std::invalid_argument& error) {
    std::cerr << "compare: " << error.what() << '\n' << usage;
  } catch (const std::exception& error) {
    std::cerr << "compare: " << error.what() << '\n';
  }
  return 2;
}
