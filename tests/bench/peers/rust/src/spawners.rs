// SPDX-License-Identifier: BSL-1.0

use std::thread;

/// What the works with tasks want.
pub trait Spawner {
    /// Calls `body` where tasks are spawned from.
    fn within<R: Send>(body: impl FnOnce() -> R + Send) -> R;
    /// Runs so many tasks at once and waits for them.
    fn burst(tasks: usize, task: impl Fn() + Sync);
    /// Runs both at once and waits for them.
    fn both(one: impl FnOnce() + Send, other: impl FnOnce() + Send);
}

/// The global pool. From one of its threads no other one has to be woken for a short task.
pub struct Rayon;

impl Spawner for Rayon {
    fn within<R: Send>(body: impl FnOnce() -> R + Send) -> R {
        rayon::scope(|_| body())
    }

    fn burst(tasks: usize, task: impl Fn() + Sync) {
        rayon::scope(|scope| {
            for _ in 0..tasks {
                scope.spawn(|_| task());
            }
        });
    }

    fn both(one: impl FnOnce() + Send, other: impl FnOnce() + Send) {
        rayon::join(one, other);
    }
}

/// A thread a task.
pub struct Threads;

impl Spawner for Threads {
    fn within<R: Send>(body: impl FnOnce() -> R + Send) -> R {
        body()
    }

    fn burst(tasks: usize, task: impl Fn() + Sync) {
        thread::scope(|scope| {
            for _ in 0..tasks {
                scope.spawn(&task);
            }
        });
    }

    fn both(one: impl FnOnce() + Send, other: impl FnOnce() + Send) {
        thread::scope(|scope| {
            scope.spawn(one);
            other();
        });
    }
}
