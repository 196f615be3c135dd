// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/channel.hpp>

#include <chrono>
#include <cstddef>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

// The forms of send and receive, so that a test of what they have in common runs on each of them.

namespace test {

inline constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

template <class T>
roost::channel_ends<T> make_ends(std::size_t capacity) {
  return capacity == no_limit ? roost::make_channel<T>(roost::unbounded)
                              : roost::make_channel<T>(capacity);
}

/// Sends what is in a variable. It moves out of sight of the caller, who may look at the variable
/// afterwards: that is what the tests are about, and no use after a move.
template <class T>
roost::send_result send_from(const roost::sender<T>& tx, T& variable) {
  return tx.send(std::move(variable));
}
template <class T>
roost::send_result try_send_from(const roost::sender<T>& tx, T& variable) {
  return tx.try_send(std::move(variable));
}

template <class T>
struct send_form {
  const char* name;
  bool waits;
  roost::send_result (*send)(const roost::sender<T>&, T& variable);
};

template <class T>
const std::vector<send_form<T>>& send_forms() {
  using namespace std::chrono_literals;
  using tx = roost::sender<T>;
  static const std::vector<send_form<T>> forms{
      {"send", true, &send_from<T>},
      {"send_for", true, [](const tx& to, T& v) { return to.send_for(std::move(v), 1h); }},
      {"send_until",
       true,
       [](const tx& to, T& v) { return to.send_until(std::move(v), roost::clock::now() + 1h); }},
      {"try_send", false, &try_send_from<T>},
  };
  return forms;
}

template <class T>
struct received {
  roost::channel_status status;
  std::optional<T> item;

  static received from(roost::receive_result<T> result) {
    received r{result.status(), std::nullopt};
    if (result)
      r.item.emplace(*std::move(result));
    return r;
  }
};

template <class T>
struct receive_form {
  const char* name;
  bool waits;
  received<T> (*receive)(const roost::receiver<T>&);
};

template <class T>
const std::vector<receive_form<T>>& receive_forms() {
  using namespace std::chrono_literals;
  using rx = roost::receiver<T>;
  using result = received<T>;
  static const std::vector<receive_form<T>> forms{
      {"receive", true, [](const rx& from) { return result::from(from.receive()); }},
      {"receive_for", true, [](const rx& from) { return result::from(from.receive_for(1h)); }},
      {"receive_until",
       true,
       [](const rx& from) { return result::from(from.receive_until(roost::clock::now() + 1h)); }},
      {"iteration",
       true,
       [](const rx& from) {
         auto first = from.begin();
         if (first == from.end())
           return result{roost::channel_status::closed, std::nullopt};
         return result{roost::channel_status::success, std::move(*first)};
       }},
      {"try_receive", false, [](const rx& from) { return result::from(from.try_receive()); }},
  };
  return forms;
}

} // namespace test
