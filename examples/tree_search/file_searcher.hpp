// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include "line_finder.hpp"
#include "line_reader.hpp"
#include "options.hpp"
#include "pattern.hpp"
#include "report.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <new>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace tree_search {

/// Searches one file after the other. Each searcher task has its own.
class file_searcher {
 public:
  file_searcher(const options& chosen, const pattern& wanted, reporter& results)
      : chosen_(chosen),
        finder_(wanted),
        results_(results) {
    if (::fstat(STDOUT_FILENO, &output_) != 0)
      output_ = {};
  }

  /// Throws roost::stopped; the reporter then has the lines that were found.
  void search(const std::string& path) {
    path_ = path;
    line_number_ = 1;
    try {
      if (open())
        search_text();
    } catch (const std::bad_alloc&) { // a line of some gigabytes
      results_.complain(path_, ENOMEM);
    }
    reader_.close();
  }

 private:
  bool open() {
    if (!reader_.open(path_)) {
      results_.complain(path_, errno);
      return false;
    }
    const struct stat& file = reader_.file();
    const bool is_output = file.st_dev == output_.st_dev && file.st_ino == output_.st_ino;
    if (is_output && !chosen_.names_only) { // each line found would be one more line to find
      results_.complain(path_, "input file is also the output");
      return false;
    }
    return S_ISREG(file.st_mode);
  }

  void search_text() {
    bool matched = false;
    for (;;) {
      const line_reader::status status = reader_.next();
      if (status == line_reader::status::binary)
        return;
      if (status == line_reader::status::error)
        results_.complain(path_, errno);
      if (status != line_reader::status::lines)
        break;
      matched |= search_piece(reader_.lines());
      if (matched && chosen_.names_only) {
        results_.lines().append(path_).append("\n");
        break;
      }
    }
    if (matched)
      results_.file_matched();
  }

  bool search_piece(std::string_view text) {
    bool matched = false;
    std::size_t counted = 0; // line_number_ is that of the line which begins here
    finder_.start(text);
    while (const auto line = finder_.next()) {
      count_lines(text.substr(counted, line->begin - counted));
      counted = line->begin;
      if (line->refused) {
        results_.complain(path_ + ":" + std::to_string(line_number_), "line too long for -E");
        continue;
      }
      matched = true;
      if (chosen_.names_only)
        return true;
      print(text.substr(line->begin, line->end - line->begin));
    }
    count_lines(text.substr(counted));
    return matched;
  }

  void count_lines(std::string_view text) {
    line_number_ += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  void print(std::string_view line) {
    constexpr std::size_t large = 1 << 20;
    std::string& lines = results_.lines();
    if (chosen_.show_names)
      lines.append(path_).append(":");
    lines.append(std::to_string(line_number_)).append(":").append(line).append("\n");
    if (lines.size() > large)
      results_.hand_over();
  }

  const options& chosen_;
  line_finder finder_;
  line_reader reader_;
  reporter& results_;
  struct stat output_ {};
  std::string path_;
  std::size_t line_number_ = 1;
};

} // namespace tree_search
