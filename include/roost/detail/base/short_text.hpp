// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace roost::inline v0::detail {

/// As much of `text` as has room, without the first bytes of a UTF-8 character that has none.
constexpr std::string_view cut_off(std::string_view text, std::size_t room) noexcept {
  if (text.size() <= room)
    return text;
  constexpr std::size_t longest = 4; // bytes of a character; other texts are cut where room ends
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
  };
  std::size_t end = room;
  while (end != 0 && room - end < longest && continues(end))
    --end;
  return text.substr(0, continues(end) ? room : end);
}

/// A text of at most `Room` bytes, for code that may not allocate. A longer text is cut off.
template <std::size_t Room>
class short_text {
 public:
  short_text() = default; // NOLINT(cppcoreguidelines-pro-type-member-init): see the members
  constexpr explicit short_text(std::string_view text) noexcept { add(text); }

  std::string_view view() const noexcept { return {characters_.data(), size_}; }
  bool empty() const noexcept { return size_ == 0; }

  constexpr short_text& add(std::string_view more) noexcept {
    const std::string_view fits = cut_off(more, Room - size_);
    size_ += fits.copy(characters_.data() + size_, fits.size());
    return *this;
  }
  short_text& add(std::uint64_t number) noexcept {
    std::array<char, 20> digits{};
    std::size_t first = digits.size();
    do {
      digits[--first] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    return add(std::string_view(digits.data() + first, digits.size() - first));
  }

  /// "1 sender", "3 senders".
  short_text& count(std::uint64_t number, std::string_view noun) noexcept {
    add(number).add(" ").add(noun);
    return number == 1 ? *this : add("s");
  }

 private:
  std::size_t size_ = 0;
  std::array<char, Room> characters_{};
};

} // namespace roost::inline v0::detail
