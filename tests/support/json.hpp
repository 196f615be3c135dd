// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cctype>
#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace test {

/// A value of JSON, as a strict reader finds it. What does not fit RFC 8259 throws.
class json {
 public:
  enum class kind { null, truth, number, string, array, object };

  static json read(std::string_view text) {
    reader r{text};
    json value = r.value();
    r.skip_blanks();
    r.require(r.rest.empty(), "more behind the value");
    return value;
  }

  kind type() const { return kind_; }
  bool is_null() const { return kind_ == kind::null; }
  const std::string& text() const { return require(kind::string).text_; } // UTF-8
  long long number() const {
    const std::string& digits = require(kind::number).text_;
    if (digits.find('.') != std::string::npos)
      throw std::runtime_error("no whole number: " + digits);
    return std::stoll(digits);
  }
  double real() const { return std::stod(require(kind::number).text_); }
  bool has(const std::string& key) const { return require(kind::object).members_.count(key) != 0; }
  bool truth() const { return require(kind::truth).text_ == "true"; }
  std::size_t size() const { return require(kind::array).elements_.size(); }
  const json& operator[](std::size_t i) const { return require(kind::array).elements_.at(i); }
  const json& operator[](const std::string& key) const {
    return require(kind::object).members_.at(key);
  }
  std::vector<std::string> keys() const {
    std::vector<std::string> all;
    for (const auto& member : require(kind::object).members_)
      all.push_back(member.first);
    return all;
  }

 private:
  struct reader {
    std::string_view rest;

    void require(bool holds, const char* what) const {
      if (!holds)
        throw std::runtime_error(std::string(what) + " at: " + std::string(rest.substr(0, 40)));
    }
    void skip_blanks() {
      while (!rest.empty() && std::string_view(" \t\n\r").find(rest[0]) != std::string_view::npos)
        rest.remove_prefix(1);
    }
    bool take(std::string_view word) {
      if (rest.substr(0, word.size()) != word)
        return false;
      rest.remove_prefix(word.size());
      return true;
    }
    char next() {
      require(!rest.empty(), "the end");
      const char c = rest[0];
      rest.remove_prefix(1);
      return c;
    }

    json value() {
      skip_blanks();
      require(!rest.empty(), "no value");
      if (rest[0] == '{')
        return object();
      if (rest[0] == '[')
        return array();
      if (rest[0] == '"')
        return json(kind::string, string());
      for (const std::string_view word : {"true", "false"}) {
        if (take(word))
          return json(kind::truth, std::string(word));
      }
      if (take("null"))
        return json(kind::null, {});
      return json(kind::number, number());
    }

    std::string digits() {
      std::string all;
      while (!rest.empty() && std::isdigit(static_cast<unsigned char>(rest[0])) != 0)
        all += next();
      require(!all.empty(), "no value");
      return all;
    }

    // Neither signs nor exponents, as none are written.
    std::string number() {
      const std::string whole = digits();
      require(whole.size() == 1 || whole[0] != '0', "a leading zero");
      return take(".") ? whole + "." + digits() : whole;
    }

    std::string string() {
      std::string text;
      require(take("\""), "no string");
      while (!take("\"")) {
        const char c = next();
        require(static_cast<unsigned char>(c) >= 0x20, "a control character in a string");
        text += c == '\\' ? escape() : std::string(1, c);
      }
      return text;
    }

    std::string escape() {
      const char c = next();
      if (c == '"' || c == '\\' || c == '/')
        return std::string(1, c);
      require(c == 'u', "an escape that is not written");
      const std::string digits(rest.substr(0, 4));
      std::size_t read = 0;
      const int code = std::stoi(digits, &read, 16);
      require(read == 4, "an escape of fewer digits");
      rest.remove_prefix(4);
      if (code == 0xfffd)
        return "\xef\xbf\xbd";
      require(code < 0x80, "an escape that is not written");
      return std::string(1, static_cast<char>(code));
    }

    json array() {
      json list(kind::array, {});
      require(take("["), "no array");
      skip_blanks();
      if (take("]"))
        return list;
      for (;;) {
        list.elements_.push_back(value());
        skip_blanks();
        if (take("]"))
          return list;
        require(take(","), "no comma");
      }
    }

    json object() {
      json members(kind::object, {});
      require(take("{"), "no object");
      skip_blanks();
      if (take("}"))
        return members;
      for (;;) {
        skip_blanks();
        const std::string key = string();
        skip_blanks();
        require(take(":"), "no colon");
        require(members.members_.emplace(key, value()).second, "a key that was there before");
        skip_blanks();
        if (take("}"))
          return members;
        require(take(","), "no comma");
      }
    }
  };

  json(kind k, std::string text) : kind_(k), text_(std::move(text)) {}

  const json& require(kind k) const {
    if (kind_ != k)
      throw std::runtime_error("another kind of value: " + text_);
    return *this;
  }

  kind kind_;
  std::string text_;
  std::vector<json> elements_;
  std::map<std::string, json> members_;
};

} // namespace test
