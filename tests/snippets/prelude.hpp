// SPDX-License-Identifier: BSL-1.0
#pragma once

// What the code in the README and in the headers' comments takes from the program around it. It is
// compiled, and never run: declarations will do.
#include <roost.hpp>
#include <roost/posix.hpp>
#include <roost/testing.hpp>
#include <roost/trace.hpp>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <exception>
#include <fstream>
#include <iostream>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <tuple>
#include <unistd.h>
#include <utility>
#include <vector>

#define TEST_CASE(name) [[maybe_unused]] static void test_case()
#define CHECK_THROWS_AS(expression, type)                                                          \
  try {                                                                                            \
    static_cast<void>(expression);                                                                 \
  } catch (const type&) {                                                                          \
  }

namespace snippets {

using namespace std::chrono_literals;

struct page {
  void render() const;
};
struct job {
  void run();
};
struct service {
  void answer(const std::string&);
};
struct quote {};
struct config {};
struct path {};
struct overview {
  std::vector<std::string> users;
};

struct book {
  void add(const path&) const;
};
extern const book index;

struct database {
  std::vector<std::string> users() const;
  std::string user(int) const;
  std::vector<int> orders(int) const;
};
extern const database db;

// Roost's own.
extern roost::task_scope scope;
extern roost::sender<int> tx;
extern roost::receiver<int> rx;
extern roost::receiver<job> jobs;
extern roost::receiver<job> requests;
extern roost::receiver<std::string> answers;
extern roost::sender<std::string> log;
extern roost::weak_sender<std::string> weak;
extern std::vector<roost::receiver<int>> inputs;

// Values.
extern std::vector<path> files;
extern std::vector<std::string> urls;
extern std::vector<page> pages;
extern std::vector<int> left;
extern std::vector<int> right;
extern const std::string url;
extern const std::string mirror;
extern const std::string home;
extern const std::string still_alive;
extern std::chrono::milliseconds t;
extern std::size_t workers;
extern int steps;
extern int id;
extern int item;
extern int fd;
extern int socket;
extern char buffer[64];
extern std::size_t size;
extern std::condition_variable_any changed;
extern std::unique_lock<std::mutex> lock;

// Functions.
inline constexpr auto use = [](const auto&...) {};
void f();
void work();
void serve();
void serve(job&);
void answer();
void finish();
void give_up();
void hang_up();
void receive();
void send(const std::string&);
void run_the_program();
void compute(std::size_t worker, int step);
void get_a();
void get_b();
bool ready();
bool retry_for_an_hour(bool (*)());
void CHECK(bool);
int add_up(const std::vector<int>&);
int statistics();
void publish(int);
void gauge(std::string_view, std::uint64_t);
void count(std::string_view, std::uint64_t);
void note(roost::channel_status);
void report(const roost::failure&);
void render(const page&);
void show(const quote&);
void draw(const roost::shared_result<quote>&);
void apply(const config&);
void write_file(std::string_view name, const std::string& text);
std::vector<page> load();
page fetch(const std::string&);
quote latest();
config read_config();

} // namespace snippets
