// SPDX-License-Identifier: BSL-1.0
// Recorders come and go, and write what they have, while scopes begin, end, stop and fail.
#include <roost.hpp>
#include <roost/trace.hpp>

#include "support/catch.hpp"
#include "support/no_thread_left.hpp"
#include "support/outcome.hpp"
#include "support/seed.hpp"
#include "support/traces.hpp"
#include "support/xml.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using test::random_numbers;
using test::rounds;

namespace {

/// Makes recorders, writes what they have, and lets go of them, until it goes. Faults are kept.
class recording {
 public:
  explicit recording(std::uint64_t stream) : random_(stream) {}
  ~recording() { end(); }
  recording(const recording&) = delete;
  recording& operator=(const recording&) = delete;

  void end() {
    done_ = true;
    if (thread_.joinable())
      thread_.join();
  }
  const std::string& faults() const { return faults_; } // after end()
  std::size_t tasks() const { return tasks_; }          // that were recorded
  int written() const { return written_; }              // how often

 private:
  void record() {
    std::vector<std::unique_ptr<roost::trace_recorder>> recorders;
    while (!done_) {
      const auto way = random_.next() % 4;
      if (way < 2 && recorders.size() < 3) {
        recorders.push_back(std::make_unique<roost::trace_recorder>(20 + random_.next() % 400));
      } else if (way == 2 && !recorders.empty()) {
        recorders.erase(recorders.begin());
      } else if (!recorders.empty()) {
        look_at(*recorders.back());
      }
      std::this_thread::yield();
    }
  }

  void look_at(roost::trace_recorder& recorder) {
    if (random_.next() % 4 == 0)
      recorder.stop();
    try {
      const test::chrome_trace t = test::trace_of(recorder);
      faults_ += t.faults();
      tasks_ += t.of("X", "task").size();
      test::xml::read(test::svg_text(recorder));
      ++written_;
    } catch (const std::exception& e) {
      faults_ += e.what();
    }
  }

  random_numbers random_;
  std::atomic<bool> done_{false};
  std::string faults_;
  std::atomic<std::size_t> tasks_{0};
  std::atomic<int> written_{0};
  std::thread thread_{[this] { record(); }};
};

void work(std::uint64_t stream) {
  random_numbers random(stream);
  auto items = roost::make_channel<int>(static_cast<std::size_t>(random.below(3)), "items");
  roost::event event;
  roost::task_scope scope({.name = "work",
                           .limit = 1 + static_cast<std::size_t>(random.below(4)),
                           .timeout = random.next() % 8 == 0 ? 1ms : 10s,
                           .exit = roost::on_exit::stop});
  for (std::uint64_t i = random.next() % 12; i > 0; --i) {
    const std::uint64_t way = random.next() % 8;
    auto handle = scope.spawn("task <&\">", [&, way] {
      switch (way) {
      case 0:
        throw std::runtime_error("failed");
      case 1:
        (void)items.tx.send(1);
        break;
      case 2:
        (void)items.rx.receive();
        break;
      case 3:
        (void)event.wait_for(100us);
        break;
      case 4: {
        roost::task_scope inner({.name = "inner"});
        inner.spawn([&] { (void)items.tx.try_send(1); });
        break;
      }
      case 5: {
        const roost::blocking_region region("reads");
        std::this_thread::yield();
        break;
      }
      case 6:
        event.set();
        break;
      default:
        (void)roost::when_all([] { return 1; }, [] { return 2; });
      }
    });
    if (random.next() % 8 == 0)
      handle.request_stop("alone");
  }
  if (random.next() % 4 == 0)
    scope.request_stop("enough");
}

} // namespace

TEST_CASE("recorders come and go while tasks run", "[trace]") {
  const test::no_thread_left check;
  ROOST_TEST_SHOW_SEED();
  const roost::counters before = roost::stats();
  recording first(1);
  recording second(2);
  {
    roost::task_scope scope({.limit = 3, .errors = roost::on_error::collect});
    const int enough = rounds(6);
    const auto has_enough = [&] {
      return first.written() >= enough && second.written() >= enough &&
             first.tasks() + second.tasks() > 0;
    };
    for (int i = 0; !has_enough(); ++i)
      scope.spawn([round = 3 + static_cast<std::uint64_t>(i)] {
        try {
          work(round);
        } catch (const std::exception&) {
        } catch (const roost::stopped&) {
        }
      });
    scope.join();
  }
  first.end();
  second.end();
  CHECK(first.faults() == "");
  CHECK(second.faults() == "");
  CHECK(roost::stats().live == 0);
  CHECK(roost::stats().blocked == 0);
  CHECK(roost::stats().finished - before.finished == roost::stats().spawned - before.spawned);
}
