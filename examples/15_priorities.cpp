// SPDX-License-Identifier: BSL-1.0
// Jobs of three priorities: a channel for each, and a worker that asks the channels in that order.
// Notice that the worker finishes the job that it has begun, whatever comes meanwhile. Low jobs
// wait for as long as higher ones keep coming; select() instead of select_biased() is fair.
#include <roost.hpp>

#include <iostream>
#include <string>

namespace {

using jobs = roost::channel_ends<std::string>;

void work(const jobs& urgent, const jobs& normal, const jobs& low) {
  roost::selector all;
  for (const jobs* const each : {&urgent, &normal, &low}) {
    all.add(roost::on_receive(each->rx, [&urgent](auto job) {
      if (!job)
        return; // closed: the selector drops the case
      std::cout << *job << '\n';
      if (*job == "bill for March")
        (void)urgent.tx.send("call the customer"); // before the bill for April
      if (*job == "close the office")
        urgent.tx.close();
    }));
  }
  while (!all.empty())
    all.select_biased();
}

} // namespace

int main() {
  const auto urgent = roost::make_channel<std::string>(8);
  const auto normal = roost::make_channel<std::string>(8);
  const auto low = roost::make_channel<std::string>(8);
  (void)low.tx.send("tidy up");
  (void)low.tx.send("close the office");
  (void)normal.tx.send("bill for March");
  (void)normal.tx.send("bill for April");
  (void)urgent.tx.send("put out the fire");
  normal.tx.close();
  low.tx.close();

  roost::task_scope scope;
  scope.spawn("worker", [&] { work(urgent, normal, low); });
}

// Output:
//   put out the fire
//   bill for March
//   call the customer
//   bill for April
//   tidy up
//   close the office
