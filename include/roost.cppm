// SPDX-License-Identifier: BSL-1.0

// All of roost as a C++20 module: `import roost;`. It has what the headers <roost.hpp>, <roost/trace.hpp> and, where
// POSIX is, <roost/posix.hpp> have, but for the macros of <roost/version.hpp>. A file that needs the standard's
// headers, too, includes them before the import. .ci/module.sh checks that no public name is missing.
module;
#include <roost.hpp>
#include <roost/trace.hpp>
#if __has_include(<poll.h>)
#include <roost/posix.hpp>
#endif
export module roost;

export namespace roost {
using roost::background_scope;
using roost::barrier;
using roost::blocked_report;
using roost::blocking_region;
using roost::broadcast;
using roost::broadcast_receiver;
using roost::channel_ends;
using roost::channel_status;
using roost::clock;
using roost::counters;
using roost::deadlock_error;
using roost::deadlock_link;
using roost::deadlock_report;
using roost::event;
using roost::exception_list;
using roost::failure;
using roost::for_each;
using roost::held_report;
using roost::make_channel;
using roost::missed_ticks;
using roost::mutex;
using roost::object_report;
using roost::on_change;
using roost::on_deadline;
using roost::on_deadlock;
using roost::on_done;
using roost::on_error;
using roost::on_exit;
using roost::on_phase_end;
using roost::on_receive;
using roost::on_send;
using roost::on_set;
using roost::on_tick;
using roost::on_timeout;
using roost::operator<<;
using roost::otherwise;
using roost::outside_waker;
using roost::overflow;
using roost::parallel_options;
using roost::receive_result;
using roost::receiver;
using roost::report;
using roost::report_all;
using roost::report_sink;
using roost::scope_closed;
using roost::scope_options;
using roost::scope_report;
using roost::select;
using roost::select_biased;
using roost::selector;
using roost::semaphore;
using roost::send_result;
using roost::sender;
using roost::set_report_sink;
using roost::set_unobserved_failure_hook;
using roost::shared_result;
using roost::shield;
using roost::site;
using roost::stats;
using roost::stop_cause;
using roost::stop_reason;
using roost::stop_report;
using roost::stop_when;
using roost::stopped;
using roost::task_handle;
using roost::task_name;
using roost::task_report;
using roost::task_scope;
using roost::task_state;
using roost::ticker;
using roost::timeout_error;
using roost::to_dot;
using roost::to_json;
using roost::to_text;
using roost::trace_recorder;
using roost::transform;
using roost::unbounded;
using roost::unbounded_t;
using roost::unlimited;
using roost::unobserved_failure_hook;
using roost::wait_group;
using roost::waiter_report;
using roost::watch;
using roost::watch_receiver;
using roost::weak_sender;
using roost::when_all;
using roost::when_any;
using roost::with_scope;
#if __has_include(<poll.h>)
using roost::on_readable;
using roost::on_signal;
using roost::on_writable;
using roost::signal_watch;
using roost::wait_readable;
using roost::wait_readable_for;
using roost::wait_readable_until;
using roost::wait_writable;
using roost::wait_writable_for;
using roost::wait_writable_until;
#endif

namespace this_task {
using roost::this_task::cause;
using roost::this_task::checkpoint;
using roost::this_task::deadline;
using roost::this_task::name;
using roost::this_task::sleep_for;
using roost::this_task::sleep_until;
using roost::this_task::stop_requested;
using roost::this_task::stop_token;
} // namespace this_task
} // namespace roost
