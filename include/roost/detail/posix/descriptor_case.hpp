// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/posix/descriptor_operation.hpp>
#include <roost/detail/select/select_case.hpp>
#include <roost/site.hpp>
#if __has_include(<sys/epoll.h>)
#include <roost/detail/posix/epoll_cases.hpp>
#endif

#include <poll.h>
#include <utility>

namespace roost::inline v0::detail {

/// That a descriptor is ready. Where the system has epoll, a selector asks it for all its
/// descriptors at once; elsewhere for one after the other.
template <class F>
class descriptor_case final : public select_case {
 public:
#if __has_include(<sys/epoll.h>)
  using outside_set = epoll_cases;
#endif

  descriptor_case(int fd, short events, F handler, site where)
      : select_case(&operation_, where),
        operation_(fd, events),
        handler_(std::move(handler)) {}
  descriptor_case(keep_t, descriptor_case&& other)
      : descriptor_case(other.operation_.descriptor(),
                        other.operation_.events(),
                        std::move(other.handler_),
                        other.where()) {}

  bool is_over() const noexcept override {
    return operation_.error() != 0;
  }
  void run() override {
    operation_.check(operation_.events() == POLLIN ? "roost::on_readable" : "roost::on_writable",
                     where());
    handler_();
  }

 private:
  descriptor_operation operation_;
  F handler_;
};

} // namespace roost::inline v0::detail
