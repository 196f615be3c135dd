// SPDX-License-Identifier: BSL-1.0
// Two tasks that wait for each other: found at once, by the thread that was the last to block. With
// on_deadlock::stop the scope fails: its tasks stop, and join() throws what each of them waited
// for. Notice that no time is set anywhere. Programs that know nothing of it are looked at with
// ROOST_DEADLOCK=report or abort in the environment.
#include <roost.hpp>

#include <iostream>
#include <set>
#include <string>

int main() {
  const auto questions = roost::make_channel<int>(0, "questions");
  const auto answers = roost::make_channel<int>(0, "answers");
  try {
    roost::task_scope scope({.name = "talk", .on_deadlock = roost::on_deadlock::stop});
    scope.spawn("client", [&] {
      const auto first = answers.rx.receive(); // it should have asked before
      (void)questions.tx.send(*first);
    });
    scope.spawn("server", [&] {
      for (const int question : questions.rx)
        (void)answers.tx.send(question + 1);
    });
    scope.join();
  } catch (const roost::deadlock_error& error) {
    const std::string what = error.what(); // the whole report
    std::cout << what.substr(0, what.find('\n')) << '\n';
    std::set<std::string> lines; // tasks begin in any order
    for (const roost::task_report& t : error.what_waits().tasks)
      lines.insert(t.name + " waits in " + t.blocked->operation + " on " + t.blocked->object);
    for (const std::string& line : lines)
      std::cout << line << '\n';
  }
}

// Output:
//   roost: DEADLOCK: nothing in scope "talk" can go on: its tasks and its owner wait for each other
//   client waits in receiver::receive on answers
//   server waits in receiver::receive on questions
