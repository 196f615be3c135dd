// SPDX-License-Identifier: BSL-1.0

// ordered_pipeline: packs a file block by block, several blocks at once, as pigz does for gzip; the
// result is the same, byte by byte, whatever the number of threads is.
//
//     reader --a task's handle for each block, in order--> main takes the results and writes
//
// What to notice:
// - The order comes from the channel: it carries handles of tasks, and main waits for each in turn.
// - The memory is bounded by the permit. A block gets it before it is read, takes it along, and
//   gives it back once it is written. So `-j 8` means 8 blocks, wherever they are.
// - With on_failure a bad block does not stop those before it: get() throws its failure in its
//   turn, after they have been written. As without tasks, nobody hears of what comes after it.
// - If the read fails, the reader's sender goes; main writes what was read, and the reader's get()
//   throws. If the write fails, main leaves the scope, which stops the rest.

#include <roost.hpp>

#include "ordered_pipeline/block_codec.hpp"
#include "ordered_pipeline/options.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace ordered_pipeline {
namespace {

/// A file's blocks in their order; nothing at its end.
class block_source {
 public:
  explicit block_source(const options& chosen)
      : unpacks_(chosen.unpacks),
        file_(chosen.from, std::ios::binary) {
    if (!file_ || std::filesystem::is_directory(chosen.from)) // some streams read that as empty
      throw std::runtime_error("cannot open " + chosen.from);
  }

  std::optional<std::string> next() {
    std::string block = read(unpacks_ ? head_size : block_size);
    if (block.empty())
      return std::nullopt;
    if (unpacks_)
      block += read(block_reader(block).number(4));
    return block;
  }

 private:
  std::string read(std::size_t size) {
    std::string bytes(std::min(size, 2 * block_size), '\0');
    file_.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (file_.bad())
      throw std::runtime_error("cannot read");
    bytes.resize(static_cast<std::size_t>(file_.gcount()));
    return bytes;
  }

  bool unpacks_;
  std::ifstream file_;
};

struct finished_block {
  std::string bytes;
  roost::semaphore::permit held;
};

/// Writes `work(block)` for each block, in their order.
template <class Next, class Work, class Write>
void work_in_order(Next next_block, Work work, Write write, std::size_t at_once) {
  roost::semaphore in_memory(at_once); // before the scope: its permits are in tasks
  roost::task_scope scope({.name = "blocks", .on_failure = [](const roost::failure&) {}});
  using handle = roost::task_handle<finished_block>;
  auto [tx, rx] = roost::make_channel<handle>(roost::unbounded, "blocks in order");
  auto reader = scope.spawn("reader", [&, out = std::move(tx)] {
    for (;;) {
      auto permit = in_memory.acquire();
      auto block = next_block();
      if (!block)
        return;
      auto task = [&work, bytes = std::move(*block), held = std::move(permit)]() mutable {
        return finished_block{work(bytes), std::move(held)};
      };
      if (!out.send(scope.spawn("worker", std::move(task))))
        return; // main has given up
    }
  });
  for (handle& next : rx)
    write(next.get().bytes);
  reader.get();
}

void run(const options& chosen) {
  block_source blocks(chosen);
  std::ofstream out(chosen.to, std::ios::binary);
  std::size_t written = 0;
  std::atomic<std::size_t> in_memory = 0;
  std::size_t most = 0; // the reader's, until it has ended
  const auto next = [&] {
    auto block = blocks.next();
    if (block)
      most = std::max(most, ++in_memory);
    return block;
  };
  const auto work = [&](const std::string& block) {
    return chosen.unpacks ? unpack(block) : pack(block);
  };
  const auto write = [&](const std::string& block) {
    if (!out.write(block.data(), static_cast<std::streamsize>(block.size())))
      throw std::runtime_error("cannot write " + chosen.to);
    ++written;
    --in_memory;
  };
  if (chosen.at_once != 0) {
    work_in_order(next, work, write, chosen.at_once);
  } else {
    while (const auto block = next())
      write(work(*block));
  }
  out.close();
  if (!out)
    throw std::runtime_error("cannot write " + chosen.to);
  if (chosen.tells)
    std::cerr << written << " blocks, at most " << most << " in memory\n";
}

} // namespace
} // namespace ordered_pipeline

int main(int argc, char** argv) {
  const auto chosen = ordered_pipeline::parse(argc, argv);
  if (!chosen) {
    std::cerr << "usage: ordered_pipeline [-d] [-v] [-j blocks at once, 0 to 1024] from to\n";
    return 2;
  }
  try {
    ordered_pipeline::run(*chosen);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "ordered_pipeline: " << error.what() << '\n';
    return 1;
  }
}
