// SPDX-License-Identifier: BSL-1.0
// expect: roost::task_scope::spawn: .*bind arguments with a lambda
#include <roost.hpp>

struct server {
  void run() {}
  void start() { scope.spawn(&server::run, this); }
  roost::task_scope scope;
};

int main() {
  server s;
  s.start();
}
