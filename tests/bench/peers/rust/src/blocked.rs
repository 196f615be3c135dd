// SPDX-License-Identifier: BSL-1.0

use crate::arguments::Arguments;
use crate::measure::{check_equal, resident_bytes, used_cpu, Failure, Figures, Stopwatch};
use crossbeam::channel::{bounded, select, Sender};
use std::fs;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// As there is no other way to stop a thread, each waits for the drop of a sender beside its items.
pub fn stop_blocked(arguments: &mut Arguments) -> Result<Figures, Failure> {
    let tasks = arguments.positive()?;
    let (_sender, items) = bounded::<i64>(0);
    let (stop, stopped) = bounded::<()>(0);
    let threads = block(tasks, move || {
        select! {
            recv(stopped) -> _ => true,
            recv(items) -> _ => false,
        }
    });
    let watch = Stopwatch::start();
    drop(stop);
    let ended = join_all(threads);
    let spent = watch.read();
    check_equal("tasks stopped", ended, tasks)?;
    Ok(spent.per(tasks))
}

pub fn close_blocked(arguments: &mut Arguments) -> Result<Figures, Failure> {
    let tasks = arguments.positive()?;
    let blocked = block_in_receive(tasks);
    let watch = Stopwatch::start();
    let ended = close(blocked);
    let spent = watch.read();
    check_equal("tasks that saw the close", ended, tasks)?;
    Ok(spent.per(tasks))
}

pub fn blocked_memory(arguments: &mut Arguments) -> Result<Figures, Failure> {
    let tasks = arguments.positive()?;
    close(block_in_receive(1)); // what is allocated once is not a task's
    let before = resident_bytes()?;
    let blocked = block_in_receive(tasks);
    let used = resident_bytes()? as f64 - before as f64;
    close(blocked);
    Ok(vec![("bytes", used / tasks as f64)])
}

pub fn idle_cpu(arguments: &mut Arguments) -> Result<Figures, Failure> {
    let (tasks, milliseconds) = (arguments.number()?, arguments.positive()?);
    let blocked = block_in_receive(tasks);
    let before = used_cpu();
    thread::sleep(Duration::from_millis(milliseconds as u64));
    let used = used_cpu() - before;
    close(blocked);
    Ok(vec![("cpu_ms", used.as_secs_f64() * 1e3)])
}

/// Threads that tell at their end whether it was the one meant.
type Threads = Vec<JoinHandle<bool>>;

fn block_in_receive(tasks: usize) -> (Sender<i64>, Threads) {
    let (sender, items) = bounded::<i64>(0);
    (sender, block(tasks, move || items.recv().is_err()))
}

fn close((sender, threads): (Sender<i64>, Threads)) -> usize {
    drop(sender);
    join_all(threads)
}

/// How many ended as they were meant to.
fn join_all(threads: Threads) -> usize {
    threads
        .into_iter()
        .filter_map(|thread| thread.join().ok())
        .filter(|meant| *meant)
        .count()
}

/// Starts so many threads that block in `task`. Returns when all are blocked.
fn block(tasks: usize, task: impl Fn() -> bool + Clone + Send + 'static) -> Threads {
    let entered = Arc::new(AtomicUsize::new(0));
    let start = |_| {
        let (entered, task) = (entered.clone(), task.clone());
        thread::spawn(move || {
            entered.fetch_add(1, Ordering::SeqCst);
            task()
        })
    };
    let threads = (0..tasks).map(start).collect();
    while entered.load(Ordering::SeqCst) < tasks {
        thread::yield_now();
    }
    // One that is about to block may sleep for a lock; whoever holds that runs, then or just after.
    let mut times = 0;
    while times < 3 {
        thread::yield_now();
        times = if all_others_sleep() { times + 1 } else { 0 };
    }
    threads
}

/// True if at this moment no thread but the main one, which calls this, runs or could.
fn all_others_sleep() -> bool {
    let main = process::id().to_string();
    let tasks = fs::read_dir("/proc/self/task").expect("threads are listed in /proc");
    tasks
        .flatten()
        .filter(|task| task.file_name() != *main)
        .all(|task| {
            let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            match stat.rfind(") ") {
                Some(name_end) => stat[name_end + 2..].starts_with('S'),
                None => true, // it has just ended
            }
        })
}
