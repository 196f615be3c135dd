// SPDX-License-Identifier: BSL-1.0

use crate::arguments::Arguments;
use crate::measure::{check_equal, time_after_first, Failure, Figures, Spent, Stopwatch};
use crate::spawners::{Rayon, Spawner};
use rayon::ThreadPoolBuilder;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the tasks that have run: all that a task does that is called empty.
#[derive(Default)]
struct Counter(AtomicUsize);

impl Counter {
    fn task(&self) {
        // Relaxed: the wait for the tasks orders the count before check().
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn check(self, tasks: usize) -> Result<(), Failure> {
        check_equal("tasks run", self.0.into_inner(), tasks)
    }
}

pub fn spawn_join<S: Spawner>(arguments: &mut Arguments) -> Result<Figures, Failure> {
    bursts::<S>(1, arguments.positive()?)
}

pub fn spawn_burst<S: Spawner>(arguments: &mut Arguments) -> Result<Figures, Failure> {
    bursts::<S>(arguments.positive()?, arguments.positive()?)
}

fn bursts<S: Spawner>(tasks: usize, rounds: usize) -> Result<Figures, Failure> {
    let counter = Counter::default();
    let spent = time_rounds::<S>(rounds, || S::burst(tasks, || counter.task()));
    counter.check(tasks * (rounds + 1))?;
    Ok(spent.per(tasks * rounds))
}

fn time_rounds<S: Spawner>(rounds: usize, round: impl Fn() + Sync) -> Spent {
    S::within(|| time_after_first(rounds, &round))
}

/// A pool of as many threads as the limit allows.
pub fn limited_tasks(arguments: &mut Arguments) -> Result<Figures, Failure> {
    let (tasks, limit) = (arguments.positive()?, arguments.positive()?);
    let counter = Counter::default();
    let watch = Stopwatch::start();
    let pool = ThreadPoolBuilder::new().num_threads(limit).build().unwrap();
    pool.scope(|scope| {
        for _ in 0..tasks {
            scope.spawn(|_| counter.task());
        }
    });
    let spent = watch.read();
    counter.check(tasks)?;
    Ok(spent.per(tasks))
}

pub fn when_all<S: Spawner>(arguments: &mut Arguments) -> Result<Figures, Failure> {
    let rounds = arguments.positive()?;
    let counter = Counter::default();
    let spent = time_rounds::<S>(rounds, || S::both(|| counter.task(), || counter.task()));
    counter.check(2 * (rounds + 1))?;
    Ok(spent.per(rounds))
}

pub fn nested_when_all(arguments: &mut Arguments) -> Result<Figures, Failure> {
    let (depth, rounds) = (arguments.number()?, arguments.positive()?);
    let counter = Counter::default();
    let spent = time_rounds::<Rayon>(rounds, || tree(depth, &counter));
    counter.check((rounds + 1) << depth)?;
    Ok(spent.per(rounds << depth))
}

fn tree(depth: usize, counter: &Counter) {
    if depth == 0 {
        counter.task();
    } else {
        rayon::join(|| tree(depth - 1, counter), || tree(depth - 1, counter));
    }
}

pub fn fibonacci(arguments: &mut Arguments) -> Result<Figures, Failure> {
    let (n, cutoff, rounds) = (
        arguments.number()?,
        arguments.number()?,
        arguments.positive()?,
    );
    let mut sum = 0;
    let spent = Rayon::within(|| time_after_first(rounds, || sum += forked_fibonacci(n, cutoff)));
    let wanted = (rounds + 1) as i64 * iterated_fibonacci(n);
    check_equal("fibonacci", sum, wanted)?;
    Ok(spent.per(rounds))
}

fn forked_fibonacci(n: usize, cutoff: usize) -> i64 {
    if n < cutoff || n < 2 {
        return plain_fibonacci(n);
    }
    let (one, other) = rayon::join(
        || forked_fibonacci(n - 1, cutoff),
        || forked_fibonacci(n - 2, cutoff),
    );
    one + other
}

fn plain_fibonacci(n: usize) -> i64 {
    match n {
        0 | 1 => n as i64,
        _ => plain_fibonacci(n - 1) + plain_fibonacci(n - 2),
    }
}

fn iterated_fibonacci(n: usize) -> i64 {
    (0..n).fold((0, 1), |(last, next), _| (next, last + next)).0
}
