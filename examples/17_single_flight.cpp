// SPDX-License-Identifier: BSL-1.0
// Several callers ask for the same page, and one task loads it for all of them. Notice that the
// load is a task of its own: a stop may end the first caller, and the others still get the page. If
// the load fails, its scope stops all that wait for it, and that failure is the cause.
#include <roost.hpp>

#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace {

struct page {
  std::string text; // written before `loaded` is set
  roost::event loaded;
};

struct page_loader {
  std::function<std::string(const std::string&)> load;
  std::mutex mutex{};
  std::map<std::string, std::shared_ptr<page>> in_flight{}; // guarded by mutex

  std::shared_ptr<page> ask(roost::task_scope& scope, const std::string& url) {
    const std::lock_guard lock(mutex);
    std::shared_ptr<page>& wanted = in_flight[url];
    if (wanted)
      return wanted;
    wanted = std::make_shared<page>();
    scope.spawn("load", [this, url, mine = wanted] {
      mine->text = load(url);
      mine->loaded.set();
      const std::lock_guard landed(mutex);
      in_flight.erase(url); // the next caller wants a new one
    });
    return wanted;
  }
};

} // namespace

int main() {
  int loads = 0;
  roost::event all_asked;
  page_loader pages{[&](const std::string& url) {
    all_asked.wait(); // the slow server
    return url + ", load " + std::to_string(++loads);
  }};
  roost::task_scope scope;
  const auto mine = pages.ask(scope, "roost.example");
  const auto yours = pages.ask(scope, "roost.example");
  all_asked.set();
  yours->loaded.wait();
  std::cout << yours->text << (mine == yours ? ", for both\n" : ", for one\n");
}

// Output:
//   roost.example, load 1, for both
