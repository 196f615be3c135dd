// SPDX-License-Identifier: BSL-1.0

// log_fan_out: each line of a log goes to every subscriber, and none of them can hold up the others
// or the program, unless it is one that must have all lines.
//
// What to notice:
// - What a slow subscriber loses is its own affair (overflow::drop_oldest), and it says so: the
//   next line that it gets knows how many are missing before it. So each line is shown or counted.
// - The receivers lie in objects that outlive the tasks, and not in the tasks' captures: a stop may
//   end a task at any wait, or before it has begun. main shows what a stop has left.
// - log.close() ends those that listen, each behind its last line. A stop ends those that do not.

#include <roost.hpp>

#include <cstdint>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace {

class subscriber {
 public:
  subscriber(std::string name, const roost::broadcast<std::string>& log, roost::overflow when_slow)
      : name_(std::move(name)),
        log_(log.subscribe(when_slow)) {}

  /// Shows the lines until the log is closed, once the subscriber's device is ready.
  void follow(roost::event& device_is_ready) {
    device_is_ready.wait();
    while (const auto next = log_.receive())
      show(next);
  }

  /// Shows what is there, and does not wait. When the task has ended.
  void show_rest() {
    while (const auto next = log_.try_receive())
      show(next);
  }

  void print() const {
    std::cout << name_ << ": " << shown_ << " lines, " << lost_ << " lost\n";
    for (const std::string& line : latest_)
      std::cout << "  " << line << '\n';
  }

 private:
  void show(const roost::shared_result<std::string>& next) {
    if (next.missed() > 0)
      latest_.push_back("(" + std::to_string(next.missed()) + " lines lost)");
    latest_.push_back(*next);
    while (latest_.size() > 4)
      latest_.erase(latest_.begin());
    lost_ += next.missed();
    ++shown_;
  }

  std::string name_;
  roost::broadcast_receiver<std::string> log_;
  std::vector<std::string> latest_; // also those that say what was lost
  std::uint64_t shown_ = 0;
  std::uint64_t lost_ = 0;
};

} // namespace

int main() {
  const roost::broadcast<std::string> log(3, roost::overflow::block, "log");
  subscriber file("file", log, roost::overflow::block); // must have every line: the program waits
  subscriber screen("screen", log, roost::overflow::drop_oldest);
  subscriber mail("mail", log, roost::overflow::drop_oldest);
  roost::event disk_is_there;
  roost::event screen_is_on;
  roost::event connected; // never

  roost::task_scope scope({.name = "log"});
  auto to_file = scope.spawn("file", [&] { file.follow(disk_is_there); });
  auto to_screen = scope.spawn("screen", [&] { screen.follow(screen_is_on); });
  scope.spawn("mail", [&] { mail.follow(connected); });

  disk_is_there.set();
  for (int i = 1; i <= 1000; ++i)
    (void)log.send("line " + std::to_string(i)); // fails only once it is closed
  screen_is_on.set();                            // it was slow: it has lost all but the last lines
  log.close();
  to_file.get();
  to_screen.get();
  scope.request_stop("the program ends"); // only mail is left
  scope.join();
  for (subscriber* const s : {&file, &screen, &mail}) {
    s->show_rest();
    s->print();
  }
}

// Output:
//   file: 1000 lines, 0 lost
//     line 997
//     line 998
//     line 999
//     line 1000
//   screen: 3 lines, 997 lost
//     (997 lines lost)
//     line 998
//     line 999
//     line 1000
//   mail: 3 lines, 997 lost
//     (997 lines lost)
//     line 998
//     line 999
//     line 1000
