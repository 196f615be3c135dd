// SPDX-License-Identifier: BSL-1.0

#include <roost/detail/operation/operation.hpp>
#include <roost/detail/threads/scope_tree.hpp>
#include <roost/event.hpp>
#include <roost/shield.hpp>
#include <roost/stop_when.hpp>

#include "model/model.hpp"
#include "model/stoppable.hpp"

#include <array>
#include <memory>
#include <stop_token>
#include <utility>

namespace {

using roost::detail::wait_state;

MODEL_CASE("stop: of a wait that begins", .complete_within = 20000) {
  roost::event never_set;
  const auto domain = model::make_domain();
  model::together(
      [&] {
        model::check(model::is_stopped_in(domain, [&] { never_set.wait(); }), "it is not stopped");
      },
      [&] { model::stop(domain); });
}

MODEL_CASE("stop: the cause is there where the mark is", .complete_within = 20000) {
  const auto domain = model::make_domain();
  model::together(
      [&] {
        if (domain->stop_requested())
          model::check(domain->cause()->told.message == "why", "the cause is not there");
      },
      [&] {
        roost::stop_cause cause;
        cause.message = "why";
        domain->stop(std::move(cause));
      });
}

MODEL_CASE("stop: two stops of one domain") {
  roost::event never_set;
  const auto domain = model::make_domain();
  std::array<bool, 2> first{};
  model::together(
      [&] {
        model::check(model::is_stopped_in(domain, [&] { never_set.wait(); }), "it is not stopped");
      },
      [&] { first[0] = domain->stop(roost::stop_cause()); },
      [&] { first[1] = domain->stop(roost::stop_cause()); });
  model::check(first[0] != first[1], "both or neither of two stops is the first");
}

MODEL_CASE("stop: against a set of what is waited for") {
  roost::event ready;
  const auto domain = model::make_domain();
  model::together([&] { model::is_stopped_in(domain, [&] { ready.wait(); }); },
                  [&] { ready.set(); },
                  [&] { model::stop(domain); });
}

// A child that is made while its parent is stopped is stopped as well.
MODEL_CASE("stop: against a domain that is being made", .complete_within = 20000) {
  roost::event never_set;
  const auto outer = model::make_domain();
  const auto inner = model::make_domain();
  model::together(
      [&] {
        inner->follow(outer);
        model::check(model::is_stopped_in(inner, [&] { never_set.wait(); }), "it is not stopped");
        inner->unfollow();
      },
      [&] { model::stop(outer); });
}

MODEL_CASE("stop: against a domain that ends", .complete_within = 20000) {
  const auto outer = model::make_domain();
  auto inner = model::make_domain();
  model::together(
      [&] {
        inner->follow(outer);
        { const model::covered here(inner); }
        inner->unfollow();
        inner.reset();
      },
      [&] { model::stop(outer); });
}

MODEL_CASE("stop: of the outer and of the inner domain") {
  roost::event never_set;
  const auto outer = model::make_domain();
  const auto inner = model::make_domain();
  inner->follow(outer);
  model::together(
      [&] {
        model::check(model::is_stopped_in(inner, [&] { never_set.wait(); }), "it is not stopped");
      },
      [&] {
        model::stop(outer);
        model::check(inner->stop_requested(), "a stop is over before all below is marked");
      },
      [&] {
        model::stop(inner);
        model::check(inner->stop_requested(), "a stop has not marked");
      });
  inner->unfollow();
}

// A stop that meets another one waits until all below is marked.
MODEL_CASE("stop: one that comes second finds all marked", .complete_within = 20000) {
  const auto outer = model::make_domain();
  const auto inner = model::make_domain();
  inner->follow(outer);
  const auto stop_outer = [&] {
    model::stop(outer);
    model::check(inner->stop_requested(), "a stop is over before all below is marked");
  };
  model::together(stop_outer, stop_outer);
  inner->unfollow();
}

// A thread that the stop has ended sets what another one waits for: this is no normal end, neither
// in the same domain nor in one below.
void effect_is_no_result(const model::domain_ptr& domain, const model::domain_ptr& of_the_other) {
  roost::event never_set;
  roost::event set_at_end;
  model::together(
      [&] {
        model::check(model::is_stopped_in(domain, [&] { never_set.wait(); }), "it is not stopped");
        set_at_end.set();
      },
      [&] {
        model::check(model::is_stopped_in(of_the_other, [&] { set_at_end.wait(); }),
                     "an effect of the stop is taken for a result");
      },
      [&] { model::stop(domain); });
}

MODEL_CASE("stop: its effect is no result of another wait") {
  const auto domain = model::make_domain();
  effect_is_no_result(domain, domain);
}

MODEL_CASE("stop: its effect is no result of a wait below") {
  const auto outer = model::make_domain();
  const auto inner = model::make_domain();
  inner->follow(outer);
  effect_is_no_result(outer, inner);
  inner->unfollow();
}

// What has seen the mark above may have brought about the result.
MODEL_CASE("stop: a result waits until it is marked below", .complete_within = 20000) {
  const auto outer = model::make_domain();
  const auto inner = model::make_domain();
  inner->follow(outer);
  model::together(
      [&] {
        const model::covered here(inner);
        const bool is_effect = outer->stop_requested();
        const wait_state end = roost::detail::end_or_stop(true);
        model::check(!is_effect || end == wait_state::stopped,
                     "an effect of the stop is taken for a result");
      },
      [&] { model::stop(outer); });
  inner->unfollow();
}

// Its callbacks may wait for one that comes second, as long as all below is told.
MODEL_CASE("stop: one that comes second finds all told, or tells it", .complete_within = 20000) {
  const auto outer = model::make_domain();
  const auto inner = model::make_domain();
  inner->follow(outer);
  const std::stop_token below = inner->token();
  const auto stop_outer = [&] {
    model::stop(outer);
    model::check(below.stop_requested(), "a stop is over before all below is told");
  };
  model::together(stop_outer, stop_outer);
  inner->unfollow();
}

MODEL_CASE("stop: two threads in one domain") {
  roost::event never_set;
  const auto domain = model::make_domain();
  const auto wait = [&] {
    model::check(model::is_stopped_in(domain, [&] { never_set.wait(); }), "it is not stopped");
  };
  model::together(wait, wait, [&] { model::stop(domain); });
}

MODEL_CASE("stop: a shield holds it off until it ends") {
  roost::event ready;
  const auto domain =
      model::make_domain(kept(roost::detail::make_counted<roost::detail::scope_tree>()));
  bool shielded = false;
  model::together(
      [&] {
        const bool stopped = model::is_stopped_in(domain, [&] {
          {
            const roost::shield under(roost::detail::no_timeout);
            ready.wait();
            shielded = true;
          }
          roost::event never_set;
          never_set.wait();
        });
        model::check(stopped && shielded, "a shield lets a stop through, or keeps it for ever");
      },
      [&] { model::stop(domain); },
      [&] { ready.set(); });
}

MODEL_CASE("stop: by a token of the standard library", .complete_within = 20000) {
  roost::event never_set;
  std::stop_source source;
  model::together(
      [&] {
        bool stopped = false;
        try {
          const roost::stop_when when(source.get_token());
          never_set.wait();
        } catch (const roost::stopped&) {
          stopped = true;
        }
        model::check(stopped, "it is not stopped");
      },
      [&] { source.request_stop(); });
}

} // namespace
