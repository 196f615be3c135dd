// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/channel.hpp>
#include <roost/channel_result.hpp>
#include <roost/detail/channel/channel_core.hpp>
#include <roost/detail/channel/stored_item.hpp>
#include <roost/detail/select/select_case.hpp>
#include <roost/site.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace roost::inline v0::detail {

/// Receives, and calls the handler with the result.
template <class T, class F>
class receive_case final : public select_case {
  static_assert(std::invocable<F&, receive_result<T>>,
                "roost::on_receive: the handler must be callable with a receive_result<T>, by "
                "value; it is empty when the channel is closed");

 public:
  receive_case(const receiver<T>& from, F handler, site where)
      : select_case(&operation_, where),
        from_(from),
        operation_(from.core(where), result_.item_),
        handler_(std::move(handler)) {}
  receive_case(keep_t, receive_case&& other)
      : select_case(&operation_, other.where()),
        kept_(other.from_),
        from_(*kept_),
        operation_(from_.core(this->where()), result_.item_),
        handler_(std::move(other.handler_)) {}

  bool is_over() const noexcept override { return operation_.status() == channel_status::closed; }
  void run() override {
    result_.ended(operation_.status(), from_.core(this->where()));
    receive_result<T> result = std::move(result_); // the handler may select on this case again
    handler_(std::move(result));
  }

 private:
  std::optional<receiver<T>> kept_;
  const receiver<T>& from_;
  receive_result<T> result_{channel_status::empty};
  typename channel_core<stored_item<T>>::receive_operation operation_;
  F handler_;
};

// Its address tells types apart.
template <class T>
inline constexpr char mark_of_type = 0;

/// Sends to a channel or a broadcast, and calls the handler with the result.
template <class T, class F, class Sender = sender<T>>
class send_case final : public select_case {
  static_assert(std::invocable<F&, send_result>,
                "roost::on_send: the handler must be callable with a send_result; it is not a "
                "success when the channel is closed");
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "roost::on_send: moving the items must not throw, because the item of a case that "
                "does not happen is given back; send a std::unique_ptr to them instead");

 public:
  send_case(const Sender& to, T& item, F handler, site where)
      : select_case(&operation_, where, variable_at(std::addressof(item))),
        to_(&to),
        item_(std::addressof(item)),
        operation_(to.core(where), sent_from(item)),
        handler_(std::move(handler)) {}
  send_case(const Sender& to, const T& item, F handler, site where)
      : select_case(&operation_, where, variable_at(this)), // its own alone
        copy_(Sender::copy(item)),
        to_(&to),
        item_(std::addressof(*copy_)),
        operation_(to.core(where), sent_from(*item_)),
        handler_(std::move(handler)) {}
  send_case(keep_t, send_case&& other)
      : select_case(&operation_, other.where()),
        kept_end_(*other.to_),
        operation_(kept_end_->core(this->where()), nullptr),
        handler_(std::move(other.handler_)),
        kept_item_(item_storage<T>::store(std::move(*other.item_))) {
    operation_.send(*kept_item_);
  }

  void run() override { handler_(send_result(operation_.status())); }
  void settle() noexcept override {
    if (out_)
      out_->settle();
  }

 private:
  static typename select_case::variable variable_at(const void* address) noexcept {
    if constexpr (stored_inline<T>) {
      return {nullptr, nullptr};
    } else {
      return {address, &mark_of_type<T>};
    }
  }

  // Where the item that is sent lies; null for an item that needs a box and is not in one so far.
  static stored_item<T>* sent_from(T& item) noexcept {
    if constexpr (stored_inline<T>) {
      return std::addressof(item);
    } else {
      return nullptr;
    }
  }

  void* box(void* shared) override {
    auto* const stored = shared != nullptr ? static_cast<stored_item<T>*>(shared)
                                           : std::addressof(out_.emplace(*item_).stored());
    operation_.send(*stored);
    return stored;
  }

  std::optional<Sender> kept_end_;
  std::optional<T> copy_;
  const Sender* to_ = nullptr;
  T* item_ = nullptr;
  std::optional<outgoing_item<T>> out_;
  typename Sender::core_type::send_operation operation_;
  F handler_;
  std::optional<stored_item<T>> kept_item_; // last: when it is moved here nothing else can fail
};

} // namespace roost::inline v0::detail
