// SPDX-License-Identifier: BSL-1.0

// crawler: visits the pages that can be reached from one of them by so many links, each page once,
// several at a time. The site is a part of this program, and refuses what is too much at once.
//
// What to notice:
// - It goes level by level, and for_each() has visited a level when it returns. So only one thread
//   touches the set of known pages, and a page's depth is the least there is. (If all workers took
//   pages from one queue, as in 10, a longer way could come first, and what lies behind the page
//   would be cut off.)
// - A page that fails is a result like others. A stop is not: it ends the loop and goes through.
// - Each visit has its own place, in levels that outlive the loop. So a stop loses nothing: what
//   was visited is there, and what was to be visited is seen.

#include <roost.hpp>

#include "crawler/site.hpp"

#include <cstddef>
#include <exception>
#include <iostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace {

struct visit {
  std::string page;
  std::string found_on;
  bool is_done = false;
  std::string error = {};
  std::vector<std::string> links = {};
};

using levels = std::vector<std::vector<visit>>; // the index is the depth

std::vector<std::string> links_in(const std::string& text) {
  const std::string mark = "href=\"";
  std::vector<std::string> links;
  for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) {
    at += mark.size();
    links.push_back(text.substr(at, text.find('"', at) - at));
  }
  return links;
}

/// Calls `load(page)` for the text of a page, for `at_once` pages at a time. Fills `found`. Throws
/// `stopped` only; the last level then tells which of its pages were visited.
template <class Load>
void crawl(const std::string& start,
           std::size_t depth_limit,
           std::size_t at_once,
           Load load,
           levels& found) {
  std::set<std::string> known = {start};
  std::vector<visit> next = {{start, "the command line"}};
  while (!next.empty()) {
    std::vector<visit>& level = found.emplace_back(std::exchange(next, {}));
    const auto go_to = [&load](visit& v) {
      try {
        v.links = links_in(load(v.page));
      } catch (const std::exception& error) {
        v.error = error.what();
      }
      v.is_done = true;
    };
    roost::for_each(level, go_to, {.limit = at_once, .name = "visit"});
    if (found.size() > depth_limit)
      return;
    for (const visit& v : level) {
      for (const std::string& link : v.links) {
        if (known.insert(link).second)
          next.push_back({link, v.page});
      }
    }
  }
}

void show(const levels& found) {
  for (std::size_t depth = 0; depth < found.size(); ++depth) {
    for (const visit& v : found[depth]) {
      std::cout << depth << ' ' << v.page;
      if (!v.is_done)
        std::cout << ": not visited";
      else if (!v.error.empty())
        std::cout << ": " << v.error << ", found on " << v.found_on;
      std::cout << '\n';
    }
  }
}

} // namespace

int main() {
  site web(2);
  const auto load = [&web](const std::string& page) { return web.load(page); };
  levels whole;
  crawl("/", 3, 2, load, whole);
  show(whole);

  levels cut_short;
  {
    roost::task_scope scope;
    scope.spawn("crawler", [&] { crawl("/menu", 3, 1, load, cut_short); });
    web.slow_one_asked.wait();
    scope.request_stop("enough");
  }
  std::cout << '\n';
  show(cut_short);
}

// Output:
//   0 /
//   1 /news
//   1 /about
//   1 /day/I
//   2 /old
//   2 /lost: 404, found on /news
//   2 /day/II
//   3 /older
//   3 /day/III
//
//   0 /menu
//   1 /about
//   1 /slow: not visited
//   1 /news: not visited
