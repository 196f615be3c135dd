// SPDX-License-Identifier: BSL-1.0

use std::fmt::Debug;
use std::fs;
use std::os::raw::{c_int, c_long};
use std::time::{Duration, Instant};

/// What a round prints: names and numbers.
pub type Figures = Vec<(&'static str, f64)>;

/// Why a round has no figures.
#[derive(Debug)]
pub enum Failure {
    NotOffered,
    Wrong(String),
}

pub fn check_equal<T: PartialEq + Debug>(
    what: &str,
    actual: T,
    expected: T,
) -> Result<(), Failure> {
    if actual == expected {
        Ok(())
    } else {
        Err(Failure::Wrong(format!(
            "{what}: {actual:?} instead of {expected:?}"
        )))
    }
}

/// Calls `round` once before the clock starts, and then so many times.
pub fn time_after_first(rounds: usize, mut round: impl FnMut()) -> Spent {
    round();
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        round();
    }
    watch.read()
}

/// Knows when it was started, on the wall and in the CPU time of the whole process.
pub struct Stopwatch {
    cpu: Duration,
    wall: Instant,
}

impl Stopwatch {
    pub fn start() -> Self {
        let cpu = used_cpu();
        Stopwatch {
            cpu,
            wall: Instant::now(),
        }
    }

    pub fn read(&self) -> Spent {
        let wall = self.wall.elapsed();
        Spent {
            wall,
            cpu: used_cpu() - self.cpu,
        }
    }
}

pub struct Spent {
    wall: Duration,
    cpu: Duration,
}

impl Spent {
    /// Shared out to so many items.
    pub fn per(&self, items: usize) -> Figures {
        let share = |of: Duration| of.as_nanos() as f64 / items as f64;
        vec![("time", share(self.wall)), ("cpu", share(self.cpu))]
    }
}

#[repr(C)]
struct Timeval {
    seconds: c_long,
    microseconds: c_long,
}

impl Timeval {
    fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds as u64) + Duration::from_micros(self.microseconds as u64)
    }
}

#[repr(C)]
struct Rusage {
    user: Timeval,
    system: Timeval,
    counts: [c_long; 14], // of pages, signals, switches
}

extern "C" {
    fn getrusage(who: c_int, usage: *mut Rusage) -> c_int;
}

pub fn used_cpu() -> Duration {
    const NONE: Timeval = Timeval {
        seconds: 0,
        microseconds: 0,
    };
    const SELF: c_int = 0;
    let mut usage = Rusage {
        user: NONE,
        system: NONE,
        counts: [0; 14],
    };
    // SAFETY: the structure is laid out as the C library's, and outlives the call.
    let failed = unsafe { getrusage(SELF, &mut usage) };
    assert_eq!(failed, 0);
    usage.user.duration() + usage.system.duration()
}

/// From the page tables: the counters in statm may lag behind.
pub fn resident_bytes() -> Result<usize, Failure> {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup").map_err(|_| Failure::NotOffered)?;
    let kilobytes = rollup
        .split_whitespace()
        .skip_while(|word| *word != "Rss:")
        .nth(1);
    let kilobytes: usize = kilobytes
        .and_then(|word| word.parse().ok())
        .ok_or(Failure::NotOffered)?;
    Ok(kilobytes * 1024)
}
