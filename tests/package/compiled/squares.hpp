// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <roost.hpp>

/// Sends the squares of 0 to 9 from a task of `scope`.
void send_squares(roost::task_scope& scope, roost::sender<int> tx);
