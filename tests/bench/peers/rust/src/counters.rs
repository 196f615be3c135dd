// SPDX-License-Identifier: BSL-1.0

use crate::arguments::Arguments;
use crate::measure::{check_equal, Failure, Figures, Stopwatch};
use crossbeam::channel::bounded;
use crossbeam::sync::WaitGroup;

/// A group can be waited for once: a new one each round.
pub fn wait_group(arguments: &mut Arguments) -> Result<Figures, Failure> {
    let rounds = arguments.positive()?;
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        let group = WaitGroup::new();
        drop(group.clone());
        group.wait();
    }
    Ok(watch.read().per(rounds))
}

/// There is no other one than a channel of tokens.
pub fn semaphore(arguments: &mut Arguments) -> Result<Figures, Failure> {
    let rounds = arguments.positive()?;
    let (acquire, release) = bounded::<()>(1);
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        acquire.send(()).unwrap();
        release.recv().unwrap();
    }
    let spent = watch.read();
    check_equal("tokens left", release.len(), 0)?;
    Ok(spent.per(rounds))
}
