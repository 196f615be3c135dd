// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/channel_result.hpp>
#include <roost/detail/broadcast/broadcast_core.hpp>
#include <roost/detail/select/select_case.hpp>
#include <roost/site.hpp>

#include <optional>
#include <utility>

namespace roost::inline v0::detail {

/// Receives an item of a broadcast or a watch, and calls the handler with the result.
template <class Receiver, class T, class F>
class shared_receive_case final : public select_case {
 public:
  shared_receive_case(const Receiver& from, F handler, site where)
      : select_case(&operation_, where),
        from_(from),
        operation_(from.reader(where)),
        handler_(std::move(handler)) {}
  shared_receive_case(keep_t, shared_receive_case&& other)
      : select_case(&operation_, other.where()),
        kept_(other.from_),
        from_(*kept_),
        operation_(from_.reader(other.where())),
        handler_(std::move(other.handler_)) {}

  bool is_over() const noexcept override { return operation_.status() == channel_status::closed; }
  void run() override { handler_(operation_.take()); }

 private:
  std::optional<Receiver> kept_;
  const Receiver& from_;
  typename broadcast_core<T>::receive_operation operation_;
  F handler_;
};

} // namespace roost::inline v0::detail
