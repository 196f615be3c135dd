// SPDX-License-Identifier: BSL-1.0
// expect: single pass, and these can be neither copied nor moved; let the range hand out
#include <roost.hpp>

#include <cstddef>
#include <iterator>
#include <memory>

// One element, for a single pass.
class once {
 public:
  using value_type = std::unique_ptr<int>;
  using difference_type = std::ptrdiff_t;

  const value_type& operator*() const { return element_; }
  once& operator++() {
    over_ = true;
    return *this;
  }
  void operator++(int) { ++*this; }
  bool operator==(std::default_sentinel_t) const { return over_; }

 private:
  value_type element_;
  bool over_ = false;
};

struct range {
  once begin() { return {}; }
  std::default_sentinel_t end() { return {}; }
};

int main() {
  roost::for_each(range(), [](const std::unique_ptr<int>&) {});
}
