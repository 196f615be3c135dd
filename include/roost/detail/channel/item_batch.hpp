// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/channel/stored_item.hpp>

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace roost::inline v0::detail {

/// Values on their way into a channel, as item_storage's outgoing is for one. When this goes, the
/// owner's vector holds only the values that were not sent: those from `sent` on.
template <class T, bool = stored_inline<T>>
class outgoing_batch {
 public:
  outgoing_batch(std::vector<T>& values, const std::size_t& sent) noexcept
      : values_(values),
        sent_(sent) {}
  outgoing_batch(const outgoing_batch&) = delete;
  outgoing_batch& operator=(const outgoing_batch&) = delete;
  ~outgoing_batch() {
    values_.erase(values_.begin(), values_.begin() + static_cast<std::ptrdiff_t>(sent_));
  }

  std::vector<stored_item<T>>& stored() noexcept { return values_; }

 private:
  std::vector<T>& values_;
  const std::size_t& sent_;
};

template <class T>
class outgoing_batch<T, false> {
 public:
  outgoing_batch(std::vector<T>& values, const std::size_t& sent) : values_(values), sent_(sent) {
    try {
      boxes_.reserve(values.size());
      for (T& value : values)
        boxes_.push_back(std::make_unique<T>(std::move(value)));
    } catch (...) {
      give_back();
      throw;
    }
  }
  outgoing_batch(const outgoing_batch&) = delete;
  outgoing_batch& operator=(const outgoing_batch&) = delete;
  ~outgoing_batch() {
    give_back();
    values_.erase(values_.begin(), values_.begin() + static_cast<std::ptrdiff_t>(sent_));
  }

  std::vector<stored_item<T>>& stored() noexcept { return boxes_; }

 private:
  void give_back() noexcept {
    for (std::size_t i = sent_; i < boxes_.size(); ++i)
      values_[i] = std::move(*boxes_[i]);
  }

  std::vector<T>& values_;
  const std::size_t& sent_;
  std::vector<stored_item<T>> boxes_;
};

/// Makes room for `more` values without a new allocation each time.
template <class T>
void make_room(std::vector<T>& values, std::size_t more) {
  const std::size_t wanted = values.size() + more;
  const std::size_t doubled = 2 * values.capacity();
  if (wanted > values.capacity())
    values.reserve(wanted > doubled ? wanted : doubled);
}

/// Values on their way out of a channel, to be appended to `values`: up to `max`, for which the
/// constructor makes room.
template <class T, bool = stored_inline<T>>
class incoming_batch {
 public:
  incoming_batch(std::vector<T>& values, std::size_t max) : values_(values) {
    detail::make_room(values, max);
  }

  std::vector<stored_item<T>>& stored() noexcept { return values_; }

 private:
  std::vector<T>& values_;
};

template <class T>
class incoming_batch<T, false> {
 public:
  incoming_batch(std::vector<T>& values, std::size_t max) : values_(values) {
    detail::make_room(values, max);
    boxes_.reserve(max);
  }
  incoming_batch(const incoming_batch&) = delete;
  incoming_batch& operator=(const incoming_batch&) = delete;
  ~incoming_batch() {
    for (const stored_item<T>& box : boxes_)
      values_.push_back(std::move(*box));
  }

  std::vector<stored_item<T>>& stored() noexcept { return boxes_; }

 private:
  std::vector<T>& values_;
  std::vector<stored_item<T>> boxes_;
};

} // namespace roost::inline v0::detail
