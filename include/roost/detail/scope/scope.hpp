// SPDX-License-Identifier: BSL-1.0
#pragma once

// A scope with the bodies of all its functions.

#include <roost/detail/base/bodies.hpp>
#include <roost/detail/scope/scope_state.hpp>

#if ROOST_HAS_BODIES
#include <roost/detail/scope/scope_end.hpp>
#include <roost/detail/scope/scope_launch.hpp>
#include <roost/detail/scope/scope_reporter.hpp>
#include <roost/detail/scope/scope_run.hpp>
#include <roost/detail/scope/scope_survey.hpp>
#endif
