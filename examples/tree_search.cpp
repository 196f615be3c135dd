// SPDX-License-Identifier: BSL-1.0

// tree_search: grep -rnI for a string or a regex, on several threads.
//
//     walker --paths--> searchers --reports--> main prints
//
// What to notice:
// - No line says that the work is done. The walker's end of `paths` goes with the walker, so the
//   searchers' loops end; their ends of `reports` go with them, so main's loop ends.
// - No function passes a stop along. Ctrl-C or the timeout stops the scope, and each send and
//   receive in it throws, main's too. A searcher deep in a file or a regex asks
//   this_task::checkpoint().
// - The objects that the tasks refer to are declared before the scope and outlive the tasks. They
//   keep what a stop kept the tasks from sending, and main prints that after the scope.
// - The waits for a signal and for a slow reader of the output are roost's, too, so both can be
//   ended: see interrupts.hpp and output.hpp.

#include <roost.hpp>

#include "tree_search/descriptor.hpp"
#include "tree_search/file_searcher.hpp"
#include "tree_search/interrupts.hpp"
#include "tree_search/options.hpp"
#include "tree_search/output.hpp"
#include "tree_search/pattern.hpp"
#include "tree_search/report.hpp"
#include "tree_search/tree_walker.hpp"

#include <atomic>
#include <cstddef>
#include <exception>
#include <iostream>
#include <optional>
#include <regex>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace tree_search {
namespace {

/// What the tasks leave for main.
struct findings {
  explicit findings(std::size_t tasks) : unsent(tasks) {}

  std::vector<report> unsent;                  // one for each task: found, and not sent yet
  std::atomic<std::size_t> files_searched = 0; // written by the searchers, shown by main
};

void search_files(const options& chosen,
                  const pattern& wanted,
                  const roost::receiver<path_batch>& paths,
                  reporter& results,
                  std::atomic<std::size_t>& files_searched) {
  file_searcher searcher(chosen, wanted, results);
  for (const path_batch& batch : paths) {
    for (const std::string& path : batch) {
      searcher.search(path);
      ++files_searched;
      results.hand_over_if_due();
    }
    results.hand_over();
  }
}

// When it returns, only the tasks have ends of the channel between them.
void start_tasks(roost::task_scope& scope,
                 const options& chosen,
                 const pattern& wanted,
                 findings& found,
                 roost::sender<report> reports) {
  auto paths = roost::make_channel<path_batch>(64, "paths");
  for (std::size_t i = 1; i <= chosen.searchers; ++i) {
    reporter results(found.unsent[i], reports);
    scope.spawn("searcher", [&chosen, &wanted, &found, files = paths.rx, results]() mutable {
      search_files(chosen, wanted, files, results, found.files_searched);
    });
  }
  reporter results(found.unsent[0], std::move(reports));
  scope.spawn("walker", [&chosen, files = std::move(paths.tx), results]() mutable {
    tree_walker(std::move(files), results).walk(chosen.paths);
  });
}

// Returns when all tasks that report have ended. Throws when the scope is stopped.
void print_reports(const roost::receiver<report>& reports, const findings& found, output& out) {
  for (;;) {
    auto next = reports.try_receive();
    if (!next) { // print what there is, then wait
      out.flush();
      next = reports.receive_for(output::progress_interval);
    }
    if (next)
      out.add(*next);
    else if (next.status() == roost::channel_status::closed)
      return;
    out.show_progress(found.files_searched);
  }
}

// Returns 0 after a whole search, or the exit code of a search that was cut short.
int search_until_stopped(const options& chosen,
                         const pattern& wanted,
                         findings& found,
                         roost::channel_ends<report>& reports,
                         const interrupts& signals,
                         output& out) {
  try {
    const roost::stop_when interrupted(signals.token());
    roost::task_scope scope(
        {.name = "tree_search", .timeout = chosen.timeout, .exit = roost::on_exit::stop});
    const std::stop_callback hurry(scope.get_stop_token(), [&out] { out.hurry(); });
    start_tasks(scope, chosen, wanted, found, std::move(reports.tx));
    print_reports(reports.rx, found, out);
    return 0;
  } catch (const roost::timeout_error&) {
    out.hurry();
    return 124; // as timeout(1)
  } catch (const roost::stopped&) {
    out.hurry();
    return 128 + signals.signal(); // as the shell
  }
}

int search_tree(const options& chosen, const pattern& wanted) {
  output out;
  const interrupts signals;
  const std::stop_callback hurry(signals.token(), [&out] { out.hurry(); }); // to the very end
  findings found(1 + chosen.searchers);
  auto reports = roost::make_channel<report>(64, "reports");
  const int cut_short = search_until_stopped(chosen, wanted, found, reports, signals, out);
  while (const auto left = reports.rx.try_receive()) // sent, and not received before a stop
    out.add(*left);
  for (const report& left : found.unsent)
    out.add(left);
  out.flush();
  if (cut_short != 0)
    return cut_short;
  return out.failed() ? 2 : out.matched() ? 0 : 1;
}

} // namespace
} // namespace tree_search

int main(int argc, char** argv) {
  try {
    tree_search::occupy_standard_descriptors();
    const auto chosen = tree_search::parse_options(argc, argv);
    if (!chosen) {
      std::cout << tree_search::usage;
      return 0;
    }
    return tree_search::search_tree(*chosen, tree_search::make_pattern(*chosen));
  } catch (const tree_search::usage_error& error) {
    std::cerr << "tree_search: " << error.what() << '\n' << tree_search::usage;
  } catch (const std::regex_error& error) {
    std::cerr << "tree_search: bad pattern: " << error.what() << '\n';
  } catch (const std::exception& error) {
    std::cerr << "tree_search: " << error.what() << '\n';
  }
  return 2;
}
