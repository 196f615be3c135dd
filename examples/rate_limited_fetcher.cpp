// SPDX-License-Identifier: BSL-1.0

// rate_limited_fetcher: asks a server for pages, some at once, not more often than it allows, with
// a time limit for each request, and again where it makes sense. The server is a part of this
// program, and refuses what exceeds its limits.
//
// What to notice:
// - for_each() bounds how many requests are under way, the ticker how often one begins: it is
//   shared, each tick goes to one thread, and a second try waits for a tick like the first.
// - A request that takes too long ends by the deadline of a scope of its own: whatever it waits in
//   wakes, and the timeout_error is a failure like others.
// - Each fetch writes to its own place, in a vector that outlives the loop. So a stop loses no
//   answer: what was fetched before is there, and what was not is seen.

#include <roost.hpp>

#include "rate_limited_fetcher/fake_server.hpp"

#include <chrono>
#include <cstddef>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

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
    for (auto pause = 1ms;; pause *= 2) {
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
      if (f.tries == most_tries)
        return;
      roost::this_task::sleep_for(pause);
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
  fake_server server(3, 1ms);
  fetcher client(server, 1ms);
  std::vector<fetch> all = {{"/a"}, {"/gone"}, {"/busy"}, {"/slow", 5ms}, {"/down"}, {"/b"}};
  client.fetch_all(all, 3);
  show(all);
  std::cout << "requests: " << server.requests() << '\n';

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
//   /c: page /c (tries: 1)
//   /hangs: no answer yet (tries: 1)
//   /d: no answer yet (tries: 0)
//   requests that are still there: 0
