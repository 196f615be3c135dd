// SPDX-License-Identifier: BSL-1.0

// rate_limited_fetcher: asks a server for pages, some at once, not more often than it allows, with
// a time limit for each request, and again where it makes sense. The server is a part of this
// program.
//
// What to notice:
// - for_each() bounds how many requests are under way, the ticker how often one begins: it is
//   shared, each tick goes to one thread, and a second try waits for a tick like the first.
// - A request that takes too long ends by the deadline of a scope of its own: whatever it waits in
//   wakes, and the timeout_error is a failure like others.
// - Each fetch writes to its own place, in a vector that outlives the loop. So a stop loses no
//   answer: what was fetched before is there, and what was not is seen.

#include <roost.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <iostream>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct no_such_page : std::runtime_error { // to ask again is of no use
  using std::runtime_error::runtime_error;
};

class fake_server {
 public:
  std::string get(const std::string& path) {
    const int tries = note(path);
    const leaving on_exit{at_once_};
    if (path == "/gone")
      throw no_such_page("404");
    if (path == "/down" || (path == "/busy" && tries < 3))
      throw std::runtime_error("503");
    if (path == "/slow" && tries == 1)
      roost::this_task::sleep_for(1h);
    if (path == "/hangs") {
      hangs.set();
      roost::select(); // for ever
    }
    return "page " + path;
  }

  roost::event hangs; // set once a request has come that will not be answered

  std::size_t requests() const { return times_.size(); }
  int most_at_once() const { return most_; }
  int still_there() const { return at_once_; }

  /// How many requests have come before their tick, if the first is due at `first`.
  int too_early(roost::clock::time_point first, roost::clock::duration period) const {
    int count = 0;
    auto due = first;
    for (const auto time : times_) {
      count += time < due ? 1 : 0;
      due += period;
    }
    return count;
  }

 private:
  struct leaving {
    std::atomic<int>& count;
    ~leaving() { --count; }
  };

  int note(const std::string& path) {
    const std::lock_guard lock(mutex_);
    times_.push_back(roost::clock::now());
    most_ = std::max(most_, ++at_once_);
    return ++tries_[path];
  }

  std::mutex mutex_;
  std::vector<roost::clock::time_point> times_; // guarded by mutex_, as the next two
  std::map<std::string, int> tries_;
  int most_ = 0;
  std::atomic<int> at_once_ = 0;
};

struct fetch {
  std::string path;
  roost::clock::duration timeout = 1h; // for each try
  int tries = 0;
  std::string outcome = "no answer yet";
};

class fetcher {
 public:
  fetcher(fake_server& server, roost::clock::duration period) : server_(server), tick_(period) {}

  /// Throws `stopped` only. Then the fetches show which are done.
  void fetch_all(std::vector<fetch>& fetches, std::size_t at_once) {
    roost::for_each(fetches, [this](fetch& f) { try_until_done(f); }, {.limit = at_once});
  }

 private:
  void try_until_done(fetch& f) {
    constexpr int most_tries = 3;
    for (auto pause = 1ms; f.tries < most_tries; pause *= 2) {
      if (f.tries > 0)
        roost::this_task::sleep_for(pause);
      tick_.wait();
      ++f.tries;
      try {
        f.outcome = roost::with_scope({.name = "request", .timeout = f.timeout},
                                      [&](roost::task_scope&) { return server_.get(f.path); });
        return;
      } catch (const no_such_page& error) {
        f.outcome = error.what();
        return;
      } catch (const roost::timeout_error&) {
        f.outcome = "no answer in time";
      } catch (const std::exception& error) { // a stop is none of these, and goes through
        f.outcome = error.what();
      }
    }
  }

  fake_server& server_;
  roost::ticker tick_;
};

void show(const std::vector<fetch>& fetches) {
  for (const fetch& f : fetches)
    std::cout << f.path << ": " << f.outcome << " (tries: " << f.tries << ")\n";
}

} // namespace

int main() {
  constexpr auto period = 1ms;
  fake_server server;
  const auto begin = roost::clock::now();
  fetcher client(server, period);
  std::vector<fetch> all = {{"/a"}, {"/gone"}, {"/busy"}, {"/slow", 5ms}, {"/down"}, {"/b"}};
  client.fetch_all(all, 3);
  show(all);
  std::cout << "requests: " << server.requests() << '\n'
            << (server.most_at_once() <= 3 ? "never more than 3 at once\n" : "too many at once\n")
            << "too early: " << server.too_early(begin + period, period) << '\n';

  std::vector<fetch> cut_short = {{"/c"}, {"/hangs"}, {"/d"}};
  {
    roost::task_scope scope;
    scope.spawn("client", [&] { client.fetch_all(cut_short, 1); });
    server.hangs.wait();
    scope.request_stop("enough");
  }
  show(cut_short);
  std::cout << "requests that are still there: " << server.still_there() << '\n';
}

// Output:
//   /a: page /a (tries: 1)
//   /gone: 404 (tries: 1)
//   /busy: page /busy (tries: 3)
//   /slow: page /slow (tries: 2)
//   /down: 503 (tries: 3)
//   /b: page /b (tries: 1)
//   requests: 11
//   never more than 3 at once
//   too early: 0
//   /c: page /c (tries: 1)
//   /hangs: no answer yet (tries: 1)
//   /d: no answer yet (tries: 0)
//   requests that are still there: 0
