// SPDX-License-Identifier: BSL-1.0
// A task blocks in a call of another library, where roost cannot reach it. Notice the callback: the
// stop runs it, and it makes the call return. Where the call waits for a descriptor or a signal,
// there is no need: see 05 and 23.
#include <roost.hpp>

#include <condition_variable>
#include <deque>
#include <iostream>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

namespace {

/// The other library's. It knows nothing of roost, and has its own way to be interrupted.
class mailbox {
 public:
  void put(std::string letter) {
    const std::lock_guard lock(mutex_);
    letters_.push_back(std::move(letter));
    changed_.notify_all();
  }
  void interrupt() {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
    changed_.notify_all();
  }
  std::optional<std::string> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return interrupted_ || !letters_.empty(); });
    if (letters_.empty())
      return std::nullopt;
    std::string letter = std::move(letters_.front());
    letters_.pop_front();
    return letter;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> letters_;
  bool interrupted_ = false;
};

} // namespace

int main() {
  mailbox box; // before the scope: the task refers to it
  auto read = roost::make_channel<std::string>();
  roost::task_scope scope({.name = "post"});
  scope.spawn("reader", [&] {
    const std::stop_callback wake(roost::this_task::stop_token(), [&] { box.interrupt(); });
    while (auto letter = box.take()) {
      roost::this_task::checkpoint(); // throws if the stop came first
      (void)read.tx.send(std::move(*letter));
    }
  });
  box.put("a letter");
  std::cout << read.rx.receive().value() << '\n';
  scope.request_stop("seen enough");
  scope.join();
  std::cout << "reader stopped: " << scope.cause().message << '\n';
}

// Output:
//   a letter
//   reader stopped: seen enough
