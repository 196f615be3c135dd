// SPDX-License-Identifier: BSL-1.0
// What a debug build tells of a precondition that does not hold: one line on stderr, and the end.
// Also of the inside: where a fault would corrupt memory, and show only later.
#include <roost.hpp>

#include "support/probe.hpp"

#include <memory>
#include <optional>
#include <string_view>
#include <thread>

namespace {

struct list_item : roost::detail::list_node<list_item> {};
struct heap_item : roost::detail::heap_node {};
struct no_order {
  bool operator()(const heap_item&, const heap_item&) const noexcept { return false; }
};

void of_a_list(std::string_view what) {
  roost::detail::intrusive_list<list_item> list;
  roost::detail::intrusive_list<list_item> other;
  std::optional<list_item> item;
  item.emplace();
  if (what == "erase")
    list.erase(*item);
  list_item free;
  if (what == "behind")
    list.insert_after(&free, *item);
  list.push_back(*item);
  if (what == "push")
    other.push_back(*item);
  if (what == "wrong_list")
    other.erase(*item);
  if (what == "append")
    list.append(list);
  if (what == "destroy")
    item.reset();
  if (what == "destroy_list") {
    list_item left;
    roost::detail::emptied_list<list_item> gone;
    gone.push_back(left);
  }
  list.erase(*item);
}

void of_a_heap(std::string_view what) {
  roost::detail::intrusive_heap<heap_item, no_order> heap;
  heap_item item;
  heap_item other;
  if (what == "heap_room")
    heap.push(item);
  heap.reserve(2);
  heap.push(item);
  if (what == "heap_push")
    heap.push(item);
  if (what == "heap_erase")
    heap.erase(other);
  heap.erase(item);
}

void of_a_record(std::string_view what) {
  roost::detail::parker parker;
  roost::detail::wait_record record(parker);
  if (what == "complete")
    record.complete(roost::detail::wait_state::done);
  (void)record.try_claim();
  record.complete(roost::detail::wait_state::done);
}

// Its waiter would go on to take itself out of a line that is gone.
void of_an_event_that_goes_too_early() {
  auto event = std::make_unique<roost::event>();
  std::thread([&] { event->wait(); }).detach();
  test::wait_until_waiting(*event, 1);
  event.reset();
}

} // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "receive") {
    auto [tx, rx] = roost::make_channel<int>(1, "numbers");
    return *rx.try_receive();
  }
  if (what == "broadcast") {
    roost::broadcast<int> numbers(1);
    auto rx = numbers.subscribe();
    return *rx.try_receive();
  }
  of_a_list(what);
  of_a_heap(what);
  of_a_record(what);
  if (what == "event")
    of_an_event_that_goes_too_early();
  return what == "nothing" ? 0 : 2;
}
