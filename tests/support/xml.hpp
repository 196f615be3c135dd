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

/// An element of XML, as a strict reader finds it: with double quotes, without comments,
/// processing instructions and the like, as none are written. What is not well-formed throws.
struct xml {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::string text; // all that is in it but elements
  std::vector<xml> elements;

  static xml read(std::string_view from) {
    reader r{from};
    r.skip_blanks();
    xml root = r.element();
    r.skip_blanks();
    r.require(r.rest.empty(), "more behind the root");
    return root;
  }

  /// All of a name, at any depth, in order.
  std::vector<const xml*> all(std::string_view of) const {
    std::vector<const xml*> found;
    add_all(of, found);
    return found;
  }
  std::string attribute(const std::string& key) const {
    const auto found = attributes.find(key);
    return found != attributes.end() ? found->second : std::string();
  }
  double number(const std::string& key) const { return std::stod(attributes.at(key)); }

 private:
  void add_all(std::string_view of, std::vector<const xml*>& found) const {
    for (const xml& e : elements) {
      if (e.name == of)
        found.push_back(&e);
      e.add_all(of, found);
    }
  }

  struct reader {
    std::string_view rest;

    void require(bool holds, const char* what) const {
      if (!holds)
        throw std::runtime_error(std::string(what) + " at: " + std::string(rest.substr(0, 60)));
    }
    bool take(std::string_view word) {
      if (rest.substr(0, word.size()) != word)
        return false;
      rest.remove_prefix(word.size());
      return true;
    }
    void skip_blanks() {
      while (!rest.empty() && (rest[0] == ' ' || rest[0] == '\n'))
        rest.remove_prefix(1);
    }
    std::string word() {
      std::string all;
      while (!rest.empty() &&
             (std::isalnum(static_cast<unsigned char>(rest[0])) != 0 || rest[0] == '-')) {
        all += rest[0];
        rest.remove_prefix(1);
      }
      require(!all.empty(), "no name");
      return all;
    }
    std::string character() {
      require(!rest.empty(), "the end");
      const auto c = static_cast<unsigned char>(rest[0]);
      require(c >= 0x20 || c == '\n', "a control character");
      if (take("&amp;"))
        return "&";
      if (take("&lt;"))
        return "<";
      if (take("&gt;"))
        return ">";
      if (take("&quot;"))
        return "\"";
      require(c != '&', "an unknown entity");
      rest.remove_prefix(1);
      return std::string(1, static_cast<char>(c));
    }

    xml element() {
      xml e;
      require(take("<"), "no element");
      e.name = word();
      for (skip_blanks(); !take("/>"); skip_blanks()) {
        if (take(">")) {
          content(e);
          return e;
        }
        const std::string key = word();
        require(take("=\""), "no value");
        std::string value;
        while (!take("\"")) {
          require(!rest.empty() && rest[0] != '<', "an open value");
          value += character();
        }
        require(e.attributes.emplace(key, value).second, "an attribute that was there before");
      }
      return e;
    }

    void content(xml& e) {
      while (!take("</")) {
        if (!rest.empty() && rest[0] == '<')
          e.elements.push_back(element());
        else
          e.text += character();
      }
      require(take(e.name) && take(">"), "the end of another element");
    }
  };
};

} // namespace test
