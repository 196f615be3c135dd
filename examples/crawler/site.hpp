// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>

/// The web: some pages, a calendar without an end, and a page that never comes. It serves so many
/// visitors at once, and refuses others.
class site {
 public:
  explicit site(std::size_t visitors) : seats_(visitors) {}

  std::string load(const std::string& page) {
    const auto seat = seats_.try_acquire();
    if (!seat)
      throw std::runtime_error("429"); // too many requests
    if (page == "/slow") {
      slow_one_asked.set();
      roost::select(); // until a stop
    }
    if (page.starts_with("/day/"))
      return "<a href=\"" + page + "I\">tomorrow</a>";
    const auto text = texts_.find(page);
    if (text == texts_.end())
      throw std::runtime_error("404");
    return text->second;
  }

  roost::event slow_one_asked;

 private:
  const std::map<std::string, std::string> texts_ = {
      {"/", R"(<a href="/news">news</a> <a href="/about">about</a> <a href="/day/I">days</a>)"},
      {"/news", R"(<a href="/">home</a> <a href="/old">old</a> <a href="/lost">lost</a>)"},
      {"/about", R"(<a href="/old">old news</a> <a href="/news">news</a>)"},
      {"/old", R"(<a href="/older">older</a>)"},
      {"/older", R"(<a href="/oldest">oldest</a>)"},
      {"/menu", R"(<a href="/about">about</a> <a href="/slow">slow</a> <a href="/news">news</a>)"},
  };
  roost::semaphore seats_;
};
