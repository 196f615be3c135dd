// SPDX-License-Identifier: BSL-1.0

//! On a thread of their own, for the reason that seq_of() has one.

use crate::arguments::Arguments;
use crate::crew::Crew;
use crate::measure::{check_equal, Failure, Figures};
use crossbeam::channel::bounded;
use crossbeam::sync::WaitGroup;

/// A group can be waited for once: a new one each round.
pub fn wait_group(arguments: &mut Arguments) -> Result<Figures, Failure> {
    let rounds = arguments.positive()?;
    let mut crew = Crew::default();
    crew.add(|| {
        for _ in 0..rounds {
            let group = WaitGroup::new();
            drop(group.clone());
            group.wait();
        }
    });
    Ok(crew.run().per(rounds))
}

/// There is no other one than a channel of tokens.
pub fn semaphore(arguments: &mut Arguments) -> Result<Figures, Failure> {
    let rounds = arguments.positive()?;
    let (acquire, release) = bounded::<()>(1);
    let mut crew = Crew::default();
    crew.add(|| {
        for _ in 0..rounds {
            acquire.send(()).unwrap();
            release.recv().unwrap();
        }
    });
    let spent = crew.run();
    check_equal("tokens left", release.len(), 0)?;
    Ok(spent.per(rounds))
}
