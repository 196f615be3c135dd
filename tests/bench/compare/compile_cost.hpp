// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "bench/compare/options.hpp"
#include "bench/compare/result.hpp"
#include "bench/compare/run_program.hpp"
#include "bench/compare/sample_users.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// What those who include roost.hpp pay while they compile, and in their objects, against the same
/// with the standard library alone.
class compile_cost {
 public:
  explicit compile_cost(const options& given) : given_(given) {}

  /// Time to compile a file that includes all of roost and uses nothing, against the standard
  /// headers that roost includes.
  result time_to_include() {
    return compare({"Compile time and object size",
                    "compile: include",
                    {},
                    0,
                    {{"include and use nothing", "time", {{{}, 1.2, true}}}}},
                   "#include <roost.hpp>\n",
                   standard_includes());
  }

  /// Code and data of two tasks and a channel.
  result small_user() {
    return small_user("compile: small user", "two tasks and a channel", {}, roost_user);
  }

  /// The same with roost::compiled.
  result small_user_of_compiled() {
    return small_user("compile: small user of roost::compiled",
                      "the same with roost::compiled",
                      {{}, 1.6},
                      "#define ROOST_COMPILED\n" + std::string(roost_user));
  }

 private:
  result small_user(const std::string& name,
                    const std::string& title,
                    const comparison& time,
                    const std::string& with_roost) {
    return compare(
        {"Compile time and object size",
         name,
         {},
         0,
         {{title + ": compile time", "time", {time}}, {title + ": code and data", "bytes", {{}}}}},
        with_roost,
        std_user);
  }

  result compare(work what, const std::string& with_roost, const std::string& with_std) {
    result all{std::move(what)};
    try {
      for (int round = 0; round < given_.rounds; ++round) {
        all.rounds["roost"].push_back(compile("roost", with_roost));
        all.rounds["std"].push_back(compile("std", with_std));
      }
    } catch (const std::exception& error) {
      all.rounds.clear();
      all.notes.push_back(all.what.name + ": " + error.what());
    }
    return all;
  }

  figures compile(const std::string& name, const std::string& text) {
    const std::filesystem::path source = given_.results / ("compile_" + name + ".cpp");
    const std::filesystem::path object = given_.results / ("compile_" + name + ".o");
    std::ofstream(source) << text;
    const program_end end = run_program({given_.compiler,
                                         "-std=c++20",
                                         "-O2",
                                         "-pthread",
                                         "-I" + given_.include.string(),
                                         "-c",
                                         source.string(),
                                         "-o",
                                         object.string()},
                                        std::chrono::seconds(120));
    if (end.exit_code != 0)
      throw std::runtime_error(source.string() + " does not compile");
    const double bytes = size_of(object);
    std::filesystem::remove(source);
    std::filesystem::remove(object);
    return {{"time", end.nanoseconds}, {"bytes", bytes}};
  }

  // The second line of what size prints begins with the bytes of text, data and bss.
  static double size_of(const std::filesystem::path& object) {
    const program_end end = run_program({"size", object.string()}, std::chrono::seconds(10));
    std::istringstream lines(end.output.substr(std::min(end.output.find('\n'), end.output.size())));
    double text = 0;
    double data = 0;
    lines >> text >> data;
    return text + data;
  }

  // What the headers that roost.hpp reaches name, if it is here: those of the opt-in headers beside
  // it do not count, nor do those of other systems.
  std::string standard_includes() const {
    static const std::regex include(R"(^\s*#\s*include\s*(<[a-z_]+(\.h)?>))");
    std::set<std::string> names;
    for (const std::string& header : headers_reached()) {
      std::ifstream lines(header);
      std::smatch found;
      for (std::string text; std::getline(lines, text);)
        if (std::regex_search(text, found, include))
          names.insert(found[1]);
    }
    std::ostringstream all;
    for (const std::string& name : names)
      all << "#if __has_include(" << name << ")\n#include " << name << "\n#endif\n";
    return all.str();
  }

  std::vector<std::string> headers_reached() const {
    const std::string start = (given_.include / "roost.hpp").string();
    const program_end end =
        run_program({given_.compiler, "-std=c++20", "-M", "-I" + given_.include.string(), start},
                    std::chrono::seconds(120));
    if (end.exit_code != 0)
      throw std::runtime_error(start + " does not compile");
    std::vector<std::string> all;
    std::istringstream words(end.output);
    for (std::string word; words >> word;)
      if (word.starts_with(given_.include.string()))
        all.push_back(word);
    return all;
  }

  const options& given_;
};

} // namespace bench
