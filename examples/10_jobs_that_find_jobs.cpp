// SPDX-License-Identifier: BSL-1.0
// Workers add jobs to the queue that they take jobs from, as a crawler does. Notice the token in
// each job: it counts the job from before the send until the work is done, so no job can come once
// the count is zero. The queue has no limit: workers that wait for room in their own queue would
// wait for ever.
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
  queue.tx.close(); // by hand, because each worker has a sender; now the loops end
  scope.join();
  std::cout << pages << " pages\n";
}

// Output:
//   255 pages
