// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include <atomic>
#include <map>
#include <stdexcept>
#include <string>

/// The web: some pages, a calendar without an end, and a page that never comes.
class site {
 public:
  std::string load(const std::string& page) {
    const int now = ++loading_;
    for (int seen = most_; seen < now && !most_.compare_exchange_weak(seen, now);) {
    }
    const leaving on_exit{loading_};
    if (page == "/slow") {
      slow_one_asked.set();
      roost::select(); // until a stop
    }
    if (page.starts_with("/day/")) // a calendar without an end
      return "<a href=\"/day/" + page.substr(5) + "I\">tomorrow</a>";
    const auto text = texts_.find(page);
    if (text == texts_.end())
      throw std::runtime_error("404");
    return text->second;
  }

  roost::event slow_one_asked;
  int most_at_once() const { return most_; }

 private:
  struct leaving {
    std::atomic<int>& count;
    ~leaving() { --count; }
  };

  const std::map<std::string, std::string> texts_ = {
      {"/", R"(<a href="/news">news</a> <a href="/about">about</a> <a href="/day/I">days</a>)"},
      {"/news", R"(<a href="/">home</a> <a href="/old">old</a> <a href="/lost">lost</a>)"},
      {"/about", R"(<a href="/old">old news</a> <a href="/news">news</a>)"},
      {"/old", R"(<a href="/older">older</a>)"},
      {"/older", R"(<a href="/oldest">oldest</a>)"},
      {"/menu", R"(<a href="/about">about</a> <a href="/slow">slow</a> <a href="/news">news</a>)"},
  };
  std::atomic<int> loading_ = 0;
  std::atomic<int> most_ = 0;
};
