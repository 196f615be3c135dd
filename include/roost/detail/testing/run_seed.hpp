// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/base/pieces.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace roost::inline v0::detail {

/// How the task that goes on next is chosen. See strategy.hpp.
enum class choice_by : std::uint8_t {
  chance,
  work_left,
  work_left_at_object,
  priority,
  turn,
  path
};

/// All that decides the order of a run, and its text:
///
///     walk-1f00d               by chance
///     urw-1f00d-40.3x12        by the work left: 40 steps of task 0, 12 of each of the next three
///     surw-1f00d-2.8.3x4       likewise, with what the tasks do at object 2 only
///     pct3-1f00d-76            by priorities, which change at 2 of about 76 steps
///     turn-2                   in turn, two steps each
///     path-0.3x1.0-1f00d       as written: task 0, three steps of task 1, task 0; the number is
///                              for what roost itself chooses
///
/// So nothing else has to be kept to run the same again: the estimates from earlier runs are in it.
struct run_seed {
  choice_by by = choice_by::chance;
  std::uint32_t number = 1; // what the random numbers start from; of turns, the steps in a row
  std::uint32_t depth = 1;  // of priorities: one more than they change
  std::uint32_t length = 1; // of priorities: the steps among which they change
  std::uint32_t object = 0; // of work_left_at_object
  /// Of a path, its tasks. Of work_left, how many steps each task takes together with the tasks
  /// that it makes, these with theirs, and so on.
  std::vector<std::uint32_t> numbers;
};

std::string to_text(const run_seed& seed);

/// The same, cut off where it is long.
std::string to_short_text(const run_seed& path);

/// Throws std::invalid_argument that says what is wrong with it.
run_seed run_seed_from(std::string_view text);

// --- implementation ---------------------------------------------------------

#if ROOST_HAS_BODIES

/// "40.3x12": numbers, each with how often it comes if that is more than once.
ROOST_COLD_BODY std::string number_list_text(const std::vector<std::uint32_t>& numbers) {
  std::string text;
  for (std::size_t i = 0, next = 0; i < numbers.size(); i = next) {
    while (next < numbers.size() && numbers[next] == numbers[i])
      ++next;
    append(text, {text.empty() ? "" : "."});
    if (next - i > 1)
      append(text, {next - i, "x"});
    append(text, {numbers[i]});
  }
  return text;
}

ROOST_COLD_BODY std::string to_text(const run_seed& seed) {
  std::string hex;
  for (std::uint32_t rest = seed.number; rest != 0 || hex.empty(); rest >>= 4)
    hex.insert(hex.begin(), "0123456789abcdef"[rest & 15]);
  const std::string numbers = number_list_text(seed.numbers);
  switch (seed.by) {
  case choice_by::path:
    return seed.number == run_seed().number ? joined({"path-", numbers})
                                            : joined({"path-", numbers, "-", hex});
  case choice_by::turn:
    return joined({"turn-", seed.number});
  case choice_by::work_left:
    return joined({"urw-", hex, "-", numbers});
  case choice_by::work_left_at_object:
    return joined({"surw-", hex, "-", seed.object, ".", numbers});
  case choice_by::priority:
    return joined({"pct", seed.depth, "-", hex, "-", seed.length});
  default:
    return joined({"walk-", hex});
  }
}

ROOST_COLD_BODY std::string to_short_text(const run_seed& path) {
  constexpr std::size_t longest = 400;
  const std::string whole = to_text(path);
  return whole.size() <= longest
             ? whole
             : joined({whole.substr(0, longest), "... (", path.numbers.size(), " steps)"});
}

/// Takes the parts of a seed's text one after another.
class run_seed_reader {
 public:
  explicit run_seed_reader(std::string_view text) : text_(text), rest_(text) {}

  bool at_end() const noexcept { return rest_.empty(); }

  bool take(std::string_view word) noexcept {
    if (rest_.substr(0, word.size()) != word)
      return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  std::uint32_t number(unsigned base, const char* wanted) {
    std::uint64_t value = 0;
    std::size_t digits = 0;
    for (; digits < rest_.size(); ++digits) {
      const auto digit = std::string_view("0123456789abcdef").substr(0, base).find(rest_[digits]);
      if (digit == std::string_view::npos)
        break;
      value = value * base + digit;
      if (value > UINT32_MAX)
        fail("a smaller number");
    }
    if (digits == 0)
      fail(wanted);
    rest_.remove_prefix(digits);
    return static_cast<std::uint32_t>(value);
  }

  std::vector<std::uint32_t> list() {
    constexpr std::size_t most = 1'000'000;
    std::vector<std::uint32_t> numbers;
    while (!at_end() && rest_.front() != '-') {
      if (!numbers.empty() && !take("."))
        fail("a dot");
      const std::uint32_t first = number(10, "a number");
      const bool is_count = take("x");
      const std::size_t count = is_count ? first : 1;
      if (count > most - numbers.size())
        fail("a smaller number");
      numbers.insert(numbers.end(), count, is_count ? number(10, "a number") : first);
    }
    return numbers;
  }

  void want(std::string_view word, const char* wanted) {
    if (!take(word))
      fail(wanted);
  }

  [[noreturn]] void fail(std::string_view wanted) const {
    throw std::invalid_argument(joined(
        {"roost: \"",
         text_,
         "\" is no seed of a run: after \"",
         text_.substr(0, text_.size() - rest_.size()),
         "\" must come ",
         wanted,
         "; seeds look like walk-1f00d, urw-1f00d-40.3x12, surw-1f00d-2.8.3x4, pct3-1f00d-76, ",
         "turn-2, path-0.3x1.0; copy the whole of it"}));
  }

 private:
  std::string_view text_;
  std::string_view rest_; // what is not taken so far, the end of text_
};

ROOST_COLD_BODY run_seed run_seed_from(std::string_view text) {
  run_seed_reader reader(text);
  const auto hex = [&] { return reader.number(16, "a hexadecimal number"); };
  run_seed seed;
  if (reader.take("walk-")) {
    seed.number = hex();
  } else if (reader.take("urw-")) {
    seed.by = choice_by::work_left;
    seed.number = hex();
    reader.want("-", "a dash");
    seed.numbers = reader.list();
  } else if (reader.take("surw-")) {
    seed.by = choice_by::work_left_at_object;
    seed.number = hex();
    reader.want("-", "a dash");
    seed.object = reader.number(10, "the number of an object");
    reader.want(".", "a dot");
    seed.numbers = reader.list();
  } else if (reader.take("pct")) {
    seed.by = choice_by::priority;
    seed.depth = reader.number(10, "a number from 1 to 99");
    if (seed.depth == 0 || seed.depth > 99)
      reader.fail("a number from 1 to 99");
    reader.want("-", "a dash");
    seed.number = hex();
    reader.want("-", "a dash");
    seed.length = reader.number(10, "how many steps a run takes");
  } else if (reader.take("turn-")) {
    seed.by = choice_by::turn;
    seed.number = reader.number(10, "how many steps each task takes in a row");
  } else if (reader.take("path-")) {
    seed.by = choice_by::path;
    seed.numbers = reader.list();
    if (reader.take("-"))
      seed.number = hex();
  } else {
    reader.fail("walk-, urw-, surw-, pct, turn- or path-");
  }
  if (!reader.at_end())
    reader.fail("nothing");
  return seed;
}

#endif // ROOST_HAS_BODIES

} // namespace roost::inline v0::detail
