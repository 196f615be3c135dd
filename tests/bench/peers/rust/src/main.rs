// SPDX-License-Identifier: BSL-1.0

//! One round of one work in Rust: channels and select of crossbeam, tasks and loops of rayon.
//!
//!     bench_rust [--with=threads] <work> <argument>...
//!
//! prints a line `<figure> <number>` for each figure. Ends with 2 where the work is not offered with these
//! arguments, with 1 where a result is wrong. `--with=threads` takes std::thread::scope instead of rayon.

mod arguments;
mod blocked;
mod channel;
mod counters;
mod crew;
mod items;
mod loops;
mod measure;
mod ping_pong;
mod select;
mod spawners;
mod tasks;

use arguments::Arguments;
use measure::{Failure, Figures};
use spawners::{Rayon, Threads};
use std::process::exit;

fn main() {
    match run(&mut Arguments::of_program()) {
        Ok(figures) => figures
            .iter()
            .for_each(|(name, value)| println!("{name} {value:.4}")),
        Err(Failure::NotOffered) => exit(2),
        Err(Failure::Wrong(what)) => {
            eprintln!("{what}");
            exit(1)
        }
    }
}

fn run(arguments: &mut Arguments) -> Result<Figures, Failure> {
    let first = arguments.word()?;
    if first == "--with=threads" {
        let work = arguments.word()?;
        return with_threads(&work, arguments);
    }
    usual(&first, arguments)
}

fn usual(work: &str, arguments: &mut Arguments) -> Result<Figures, Failure> {
    match work {
        "seq" => channel::seq(arguments),
        "channel" => channel::channel(arguments),
        "ping_pong" => ping_pong::ping_pong(arguments),
        "select_rx" => select::select_rx(arguments),
        "select_both" => select::select_both(arguments),
        "spawn_join" => tasks::spawn_join::<Rayon>(arguments),
        "spawn_burst" => tasks::spawn_burst::<Rayon>(arguments),
        "limited_tasks" => tasks::limited_tasks(arguments),
        "when_all" => tasks::when_all::<Rayon>(arguments),
        "nested_when_all" => tasks::nested_when_all(arguments),
        "fibonacci" => tasks::fibonacci(arguments),
        "for_each" => loops::for_each(arguments),
        "transform" => loops::transform(arguments),
        "wait_group" => counters::wait_group(arguments),
        "semaphore" => counters::semaphore(arguments),
        "stop_blocked" => blocked::stop_blocked(arguments),
        "close_blocked" => blocked::close_blocked(arguments),
        "blocked_memory" => blocked::blocked_memory(arguments),
        "idle_cpu" => blocked::idle_cpu(arguments),
        _ => Err(Failure::NotOffered),
    }
}

fn with_threads(work: &str, arguments: &mut Arguments) -> Result<Figures, Failure> {
    match work {
        "spawn_join" => tasks::spawn_join::<Threads>(arguments),
        "spawn_burst" => tasks::spawn_burst::<Threads>(arguments),
        "when_all" => tasks::when_all::<Threads>(arguments),
        _ => Err(Failure::NotOffered),
    }
}
