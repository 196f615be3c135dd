// SPDX-License-Identifier: BSL-1.0

#include "model/explorer.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sched.h>
#include <string>
#include <string_view>
#include <unistd.h>

namespace model {

namespace {

model_case* first_case = nullptr;
model_case** end_of_cases = &first_case;

std::string text_of(const schedule& order) {
  std::string text;
  for (const auto& [at, which] : order) {
    text += text.empty() ? "" : ",";
    text += std::to_string(at) + ":" + std::to_string(which);
  }
  constexpr std::size_t most = 4000;
  if (text.size() > most)
    text = text.substr(0, most) + "...";
  return text.empty() ? "0:0" : text;
}

schedule schedule_in(const char* text) {
  schedule order;
  while (*text != 0) {
    char* end = nullptr;
    const std::size_t at = std::strtoul(text, &end, 10);
    const std::size_t which = *end == ':' ? std::strtoul(end + 1, &end, 10) : 0;
    order.emplace_back(at, which);
    if (end == text)
      break;
    text = *end == ',' ? end + 1 : end;
  }
  return order;
}

// Names the lines of the addresses that stand in <>, where binutils are there.
void print_lines_in(const std::string& text) {
  for (std::size_t at = text.find("<0x"); at != std::string::npos; at = text.find("<0x", at + 1)) {
    const std::string address = text.substr(at + 1, text.find('>', at) - at - 1);
    const std::string command =
        "addr2line -Cfip -e /proc/" + std::to_string(getpid()) + "/exe " + address + " 2>/dev/null";
    std::printf("      %s is\n", address.c_str());
    std::fflush(nullptr);
    (void)!std::system(command.c_str());
  }
}

// What all cases have come to.
struct summary {
  int cases = 0;
  int wrong = 0;
  unsigned long runs = 0;
  unsigned long searched = 0;    // of those
  std::array<int, 4> complete{}; // cases, by preemptions

  void add(const outcome& o) {
    runs += o.runs;
    searched += o.searched;
    for (std::size_t i = 0; i <= o.complete && i < complete.size(); ++i)
      ++complete[i];
  }
  void print() const {
    std::printf("%d cases, %d wrong; %lu runs, %lu of them by the search; %d cases complete at 2, "
                "%d at 3\n",
                cases,
                wrong,
                runs,
                searched,
                complete[2],
                complete[3]);
  }
};

// True if the case does what it is to do.
bool run_case(const model_case& c, const options& o, summary& all) {
  outcome result = explore(c, o, nullptr, false);
  all.add(result);
  const bool is_control = c.bounds.fails_with != nullptr;
  const std::string how = result.failed ? ", failed"
                          : result.complete != 0
                              ? ", complete at " + std::to_string(result.complete)
                              : "";
  std::printf("%-58s %8lu runs%-15s %6.1f s", c.name, result.runs, how.c_str(), result.seconds);
  if (is_control) {
    const bool caught =
        result.failed && result.failure.find(c.bounds.fails_with) != std::string::npos;
    std::printf("%s\n", caught ? ", as it must" : "");
    if (!caught)
      std::printf("  IT MUST FAIL: %s\n  but: %s\n", c.bounds.fails_with, result.failure.c_str());
    std::fflush(stdout);
    return caught;
  }
  std::printf("\n");
  if (result.unfinished && result.failed) {
    std::printf("  FAILS: %s\n", result.failure.c_str());
  } else if (result.failed) {
    if (!o.first_failure)
      result = shortest(c, o, std::move(result));
    std::printf("  FAILS: %s\n", result.failure.c_str());
    print_lines_in(result.failure);
    std::printf("  again: model_tests '%s' --replay %s\n", c.name, text_of(result.order).c_str());
  }
  std::fflush(stdout);
  return !result.failed;
}

int usage() {
  std::puts(
      "model_tests [part of a case's name or file] [--list] [--seconds N] [--preemptions N]\n"
      "            [--random RUNS] [--seed N] [--no-search] [--replay SCHEDULE] [--first-failure]");
  return 2;
}

} // namespace

model_case::model_case(const char* f, const char* n, void (*b)(), limits l) noexcept
    : file(f),
      name(n),
      body(b),
      bounds(l) {
  *end_of_cases = this;
  end_of_cases = &next;
}

int run_all(int count, char** arguments) {
  options o;
  std::string_view wanted;
  const char* replay = nullptr;
  bool lists = false;
  for (int i = 1; i < count; ++i) {
    const std::string_view a = arguments[i];
    const char* const value = i + 1 < count ? arguments[i + 1] : nullptr;
    if (a == "--list")
      lists = true;
    else if (a == "--no-search")
      o.searches = false;
    else if (a == "--first-failure")
      o.first_failure = true;
    else if (a.substr(0, 2) != "--")
      wanted = a;
    else if (value == nullptr)
      return usage();
    else if (++i; a == "--seconds")
      o.seconds = std::atof(value);
    else if (a == "--preemptions")
      o.preemptions = static_cast<unsigned>(std::atoi(value));
    else if (a == "--random")
      o.random_runs = static_cast<unsigned>(std::atoi(value));
    else if (a == "--seed")
      o.seed = std::strtoull(value, nullptr, 10);
    else if (a == "--replay")
      replay = value;
    else
      return usage();
  }
  // One thread at a time runs: on one processor it comes to its turn soonest.
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(sched_getcpu()), &one);
  sched_setaffinity(0, sizeof one, &one);
  summary all;
  for (const model_case* c = first_case; c != nullptr; c = c->next) {
    if (std::string_view(c->name).find(wanted) == std::string_view::npos &&
        std::string_view(c->file).find(wanted) == std::string_view::npos)
      continue;
    ++all.cases;
    if (lists) {
      std::puts(c->name);
    } else if (replay != nullptr) {
      const schedule order = schedule_in(replay);
      const outcome result = explore(*c, o, &order, true);
      std::printf("%s\n", result.failed ? result.failure.c_str() : "does not fail");
      print_lines_in(result.failure);
      return result.failed ? 1 : 0;
    } else {
      all.wrong += run_case(*c, o, all) ? 0 : 1;
      if (all.wrong != 0 && o.first_failure)
        return 1;
    }
  }
  if (!lists)
    all.print();
  return all.wrong != 0 || all.cases == 0 ? 1 : 0;
}

} // namespace model

int main(int count, char** arguments) {
  return model::run_all(count, arguments);
}
