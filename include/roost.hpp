// SPDX-License-Identifier: BSL-1.0
#pragma once

/// roost: structured concurrency on threads. Every thread comes home to roost.
///
///     to                                                   use
///     ---------------------------------------------------  -------------------------------
///     run functions side by side and wait for them         task_scope
///     the same where the body may fail, too                with_scope
///     the same for as long as an object lives              background_scope
///     get one task's result                                task_handle, from spawn()
///     bound how many tasks run at once                     scope_options: limit, backlog
///     call some functions at the same time                 when_all; when_any for the first result
///     do the same with each element of a range             for_each; transform for results
///     hand values from thread to thread                    make_channel: sender, receiver
///     wait for several things, take the first              select; selector if they vary
///     keep the latest value, or drop what has no room      make_channel with an overflow policy
///     hand each value to every receiver                    broadcast
///     look at the latest value, wait for the next          watch
///     hand over many values at a time                      sender::send_all
///     take many values at a time                           receiver::receive_some
///     tell receivers that the sender has failed            sender::fail
///     send without keeping the channel open                weak_sender
///     tell that something has happened                     event
///     wait for a part of the tasks                         wait_group
///     go through phases together                           barrier
///     bound how much is done at once                       semaphore
///     guard what several tasks change                      mutex
///     do something every so often                          ticker
///     ask this task's state, sleep, check for a stop       this_task
///     let a std::stop_token from outside stop this thread  stop_when
///     wait while cleaning up after a stop                  shield
///     know why something stopped or failed                 stop_cause, failure
///     see what runs, and what it waits for                 report: task_scope::report, report_all
///     name there a call that is not roost's                blocking_region
///     count tasks, waits and stops                         stats
///     record what runs, waits and wakes, and draw it       trace_recorder, in <roost/trace.hpp>
///     wait for file descriptors and signals                wait_readable, in <roost/posix.hpp>
///     test what waits for hours, in no time                testing::bubble, in <roost/testing.hpp>
///     find the order in which tasks go wrong               testing::explore, likewise
///     tell what a test leaves running                      testing::leak_check, likewise

#include <roost/detail/base/requirements.hpp>

#if ROOST_IS_SUPPORTED

#if defined(_MSC_VER)
#pragma warning(push)
#pragma warning(disable : 4324 5030) // padding, which is wanted; attributes of other compilers
#endif

#include <roost/background_scope.hpp>
#include <roost/barrier.hpp>
#include <roost/blocking_region.hpp>
#include <roost/broadcast.hpp>
#include <roost/channel.hpp>
#include <roost/channel_result.hpp>
#include <roost/clock.hpp>
#include <roost/deadlock_error.hpp>
#include <roost/event.hpp>
#include <roost/failure.hpp>
#include <roost/for_each.hpp>
#include <roost/mutex.hpp>
#include <roost/on_done.hpp>
#include <roost/outside_waker.hpp>
#include <roost/overflow.hpp>
#include <roost/parallel_options.hpp>
#include <roost/report.hpp>
#include <roost/report_types.hpp>
#include <roost/scope_options.hpp>
#include <roost/select.hpp>
#include <roost/selector.hpp>
#include <roost/semaphore.hpp>
#include <roost/shared_result.hpp>
#include <roost/shield.hpp>
#include <roost/site.hpp>
#include <roost/stats.hpp>
#include <roost/stop.hpp>
#include <roost/stop_when.hpp>
#include <roost/task_handle.hpp>
#include <roost/task_scope.hpp>
#include <roost/this_task.hpp>
#include <roost/ticker.hpp>
#include <roost/transform.hpp>
#include <roost/version.hpp>
#include <roost/wait_group.hpp>
#include <roost/watch.hpp>
#include <roost/weak_sender.hpp>
#include <roost/when_all.hpp>
#include <roost/when_any.hpp>
#include <roost/with_scope.hpp>

#if defined(_MSC_VER)
#pragma warning(pop)
#endif

#endif // ROOST_IS_SUPPORTED
