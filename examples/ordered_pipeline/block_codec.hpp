// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// What is done to a block; nothing in here knows of threads. A packed block is a head of 8 bytes,
// the length of what follows and a checksum of what was packed, and then pieces: a number of
// literal bytes, these bytes, and how much to repeat of what came so many bytes before.
namespace ordered_pipeline {

inline constexpr std::size_t block_size = 65536; // so that two bytes hold a distance
inline constexpr std::size_t head_size = 8;

inline std::uint32_t checksum(std::string_view bytes) {
  std::uint32_t sum = 2166136261U; // FNV-1a
  for (const char c : bytes)
    sum = (sum ^ static_cast<unsigned char>(c)) * 16777619U;
  return sum;
}

inline std::string number(std::size_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i)
    text += static_cast<char>((value >> (8 * i)) & 0xff);
  return text;
}

/// Takes a number or some bytes off the front. Throws if the block is cut off.
class block_reader {
 public:
  explicit block_reader(std::string_view rest) : rest_(rest) {}

  bool empty() const { return rest_.empty(); }
  std::string_view bytes(std::size_t count) {
    if (count > rest_.size())
      throw std::runtime_error("a block is cut off");
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  std::size_t number(std::size_t count) {
    std::size_t value = 0;
    int shift = 0;
    for (const char c : bytes(count)) {
      value |= static_cast<std::size_t>(static_cast<unsigned char>(c)) << shift;
      shift += 8;
    }
    return value;
  }

 private:
  std::string_view rest_;
};

inline std::string pack(std::string_view in) {
  constexpr std::size_t longest = 255;
  constexpr std::size_t shortest = 4;
  std::string pieces;
  std::size_t begin = 0; // of the literal bytes that are not yet in a piece
  const auto literals_until = [&](std::size_t end) {
    for (; end - begin > longest; begin += longest)
      pieces += number(longest, 1).append(in.substr(begin, longest)) + number(0, 1);
    pieces += number(end - begin, 1).append(in.substr(begin, end - begin));
  };
  std::vector<std::size_t> seen(4096, block_size); // by checksum: where such bytes were seen last
  for (std::size_t i = 0; i + shortest <= in.size();) {
    const std::string_view here = in.substr(i, shortest);
    std::size_t& last = seen[checksum(here) % seen.size()];
    const std::size_t before = last;
    last = i;
    if (before == block_size || in.substr(before, shortest) != here) {
      ++i;
      continue;
    }
    std::size_t length = shortest;
    while (length < longest && i + length < in.size() && in[before + length] == in[i + length])
      ++length;
    literals_until(i);
    pieces += number(length, 1) + number(i - before, 2);
    begin = i += length;
  }
  literals_until(in.size());
  pieces += number(0, 1);
  return number(pieces.size(), 4) + number(checksum(in), 4) + pieces;
}

inline std::string unpack(std::string_view in) {
  block_reader from(in);
  if (from.number(4) + head_size != in.size())
    throw std::runtime_error("a block is cut off");
  const std::size_t wanted = from.number(4);
  std::string out;
  while (!from.empty()) {
    out += from.bytes(from.number(1));
    const std::size_t length = from.number(1);
    const std::size_t distance = length == 0 ? 0 : from.number(2);
    if (distance > out.size() || (length != 0 && distance == 0))
      throw std::runtime_error("a block is damaged");
    for (std::size_t i = 0; i < length; ++i)
      out += out[out.size() - distance];
  }
  if (checksum(out) != wanted)
    throw std::runtime_error("a block is damaged");
  return out;
}

} // namespace ordered_pipeline
