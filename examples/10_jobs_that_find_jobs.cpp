// SPDX-License-Identifier: BSL-1.0
// Workers that add to the queue they work off, as a crawler does. Notice the token in each job: a
// job is counted from before it is sent until its work is done, so when none is left nothing more
// can come. The queue has no limit: workers that wait for room in their own queue wait for ever.
#include <roost.hpp>

#include <atomic>
#include <iostream>
#include <utility>
#include <vector>

namespace {

struct job {
  int page;
  roost::wait_group::token open; // goes with the job
};

std::vector<int> links_on(int page) { // a small web of 255 pages
  return page < 128 ? std::vector<int>{2 * page, 2 * page + 1} : std::vector<int>();
}

} // namespace

int main() {
  roost::wait_group open;
  std::atomic<int> pages = 0;
  roost::task_scope scope({.name = "crawler"});
  auto queue = roost::make_channel<job>(roost::unbounded, "jobs");
  for (int worker = 0; worker < 3; ++worker) {
    scope.spawn("worker", [&open, &pages, in = queue.rx, out = queue.tx] {
      for (const job& next : in) {
        ++pages;
        for (const int link : links_on(next.page))
          (void)out.send({link, open.enter()});
      }
    });
  }
  (void)queue.tx.send({1, open.enter()});
  open.wait();
  queue.tx.close(); // by hand, because each worker has a sender: that ends their loops
  scope.join();
  std::cout << pages << " pages\n";
}

// Output:
//   255 pages
