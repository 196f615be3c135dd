// SPDX-License-Identifier: BSL-1.0
// An object works in the background. Notice that its scope is the last member: so the members that
// the tasks use outlive the tasks. A task's failure goes to on_failure; it reaches neither the
// other tasks nor the thread that made the object.
#include <roost.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

class log_file {
 public:
  explicit log_file(std::ostream& file) {
    tasks_.spawn("writer", [this, &file] {
      for (const std::string& line : lines_.rx)
        file << line << '\n';
    });
  }
  virtual ~log_file() { // a task_scope as a member would not compile: its end may throw
    lines_.tx.close();  // the writer writes the lines that are left, and ends
    (void)tasks_.wait_for(1min);
  } // now the scope stops the writer if it still runs
  log_file(const log_file&) = delete;
  log_file& operator=(const log_file&) = delete;

  void write(std::string line) { (void)lines_.tx.send(std::move(line)); }
  void start_new_file() {
    (void)tasks_.spawn("rotate", [] { throw std::runtime_error("disk full"); }).wait_for(1min);
  }

 private:
  roost::channel_ends<std::string> lines_ = roost::make_channel<std::string>(16);
  roost::background_scope tasks_{
      {.name = "log",
       .on_failure = [this](const roost::failure& failed) { write(failed.task + " has failed"); }}};
};

} // namespace

int main() {
  {
    log_file log(std::cout);
    log.write("started");
    log.start_new_file();
    log.write("still here");
  }
  std::cout << "closed\n";
}

// Output:
//   started
//   rotate has failed
//   still here
//   closed
