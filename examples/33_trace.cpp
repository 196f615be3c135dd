// SPDX-License-Identifier: BSL-1.0
// A recorder draws what the tasks of a shop did: `33_trace shop.svg` writes the picture, and
// without an argument it goes to stdout. Open it in a browser, and point at a bar. Notice where the
// orders queue up: both packers are busy all the time, so "sell" waits for room in "orders", and
// "ship" for what is packed. "watch" ends by a stop, as the scope does not wait for it.
#include <roost.hpp>
#include <roost/trace.hpp> // not part of roost.hpp

#include <chrono>
#include <fstream>
#include <iostream>
#include <utility>

using namespace std::chrono_literals;

namespace {

void compute(roost::clock::duration time) {
  const auto end = roost::clock::now() + time;
  while (roost::clock::now() < end)
    roost::this_task::checkpoint();
}

void run_shop() {
  auto orders = roost::make_channel<int>(1, "orders");
  auto parcels = roost::make_channel<int>(2, "parcels");
  roost::task_scope shop({.name = "shop", .exit = roost::on_exit::stop});
  shop.spawn("watch", [] { roost::this_task::sleep_for(1h); });
  shop.spawn("sell", [tx = std::move(orders.tx)] {
    for (int order = 0; order < 8; ++order) {
      compute(300us);
      (void)tx.send(order);
    }
  });
  for (int packer = 0; packer < 2; ++packer)
    shop.spawn("pack", [rx = orders.rx, tx = parcels.tx] {
      for (const int order : rx) {
        roost::this_task::sleep_for(2ms); // the slow machine
        (void)tx.send(order);
      }
    });
  { const auto kept = std::move(parcels.tx); } // the packers have theirs
  auto shipped = shop.spawn("ship", [rx = std::move(parcels.rx)] {
    int count = 0;
    for (const int order : rx) {
      const roost::blocking_region truck("truck");
      compute(order % 2 == 0 ? 200us : 500us);
      ++count;
    }
    return count;
  });
  std::clog << shipped.get() << " parcels are on their way\n";
}

} // namespace

int main(int argc, char** argv) {
  roost::trace_recorder recorder;
  run_shop();
  if (argc < 2) {
    recorder.write_svg(std::cout);
    return 0;
  }
  std::ofstream file(argv[1]);
  recorder.write_svg(file); // or write_chrome(), for ui.perfetto.dev
  std::cout << (file.flush() ? "wrote " : "cannot write ") << argv[1] << '\n';
}

// Output:
//   wrote 33_trace.svg
