// SPDX-License-Identifier: BSL-1.0
// A destructor that sends while a stop unwinds its task. Run with how it does so: "send" ends the
// program, because the wait throws once more; "try_send" and "shield" do not.
#include <roost.hpp>

#include <chrono>
#include <cstdio>
#include <string_view>

using namespace std::chrono_literals;

namespace {

class sends_when_it_goes {
 public:
  sends_when_it_goes(std::string_view how, const roost::sender<int>& to) : how_(how), to_(to) {}
  sends_when_it_goes(const sends_when_it_goes&) = delete;
  sends_when_it_goes& operator=(const sends_when_it_goes&) = delete;
  ~sends_when_it_goes() {
    if (how_ == "send")
      (void)to_.send(1);
    if (how_ == "try_send")
      (void)to_.try_send(1);
    if (how_ == "shield") {
      const roost::shield s(1h);
      (void)to_.send(1);
    }
  }

 private:
  std::string_view how_;
  const roost::sender<int>& to_;
};

} // namespace

int main(int argc, char** argv) {
  const std::string_view how = argc == 2 ? argv[1] : "";
  const auto ch = roost::make_channel<int>(1);
  roost::event begun;
  roost::task_scope scope;
  scope.spawn([&] {
    const sends_when_it_goes last(how, ch.tx);
    begun.set();
    roost::this_task::sleep_for(1h);
  });
  begun.wait();
  scope.request_stop("enough");
  scope.join();
  std::printf("received: %d\n", ch.rx.try_receive().value());
}
