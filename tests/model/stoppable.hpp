// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost/detail/base/counted.hpp>
#include <roost/detail/stop/block.hpp>
#include <roost/detail/stop/context.hpp>
#include <roost/detail/stop/stop_domain.hpp>
#include <roost/stop.hpp>

#include "model/runtime.hpp"

#include <memory>
#include <utility>

namespace model {

using domain_ptr = roost::detail::counted_ptr<roost::detail::stop_domain>;

inline domain_ptr make_domain(const roost::detail::tree_ptr& tree = {}) {
  return roost::detail::make_counted<roost::detail::stop_domain>(roost::detail::no_deadline, tree);
}

/// While it lives, a stop of the domain reaches the calling thread. It is what a task or a scope is
/// for that, and no more: so there is less to explore.
class covered final : public roost::detail::context {
 public:
  explicit covered(const domain_ptr& d) : context(*d) { cover_this_thread(); }
  ~covered() override { uncover(); }
  covered(const covered&) = delete;
  covered& operator=(const covered&) = delete;

  [[noreturn]] void raise() override { throw roost::detail::make_stopped(domain().cause()); }
};

/// Calls `f` where the domain can stop it. True if it was stopped.
template <class F>
bool is_stopped_in(const domain_ptr& d, F f) {
  const covered here(d);
  bool stopped = false;
  try {
    f();
  } catch (const roost::stopped&) {
    stopped = true;
  }
  forget_stack();
  return stopped;
}

inline void stop(const domain_ptr& d) {
  d->stop(roost::stop_cause());
}

} // namespace model
