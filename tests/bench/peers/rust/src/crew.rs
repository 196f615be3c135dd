// SPDX-License-Identifier: BSL-1.0

use crate::measure::{Spent, Stopwatch};
use crossbeam::channel::bounded;
use crossbeam::sync::WaitGroup;
use std::thread;

/// Works that begin together, each on a thread of its own.
#[derive(Default)]
pub struct Crew<'a> {
    works: Vec<Box<dyn FnOnce() + Send + 'a>>,
}

impl<'a> Crew<'a> {
    pub fn add(&mut self, work: impl FnOnce() + Send + 'a) {
        self.works.push(Box::new(work));
    }

    /// The time from when all begin, being there, until the last is done.
    pub fn run(self) -> Spent {
        let (gate, opened) = bounded::<()>(0);
        let (there, done) = (WaitGroup::new(), WaitGroup::new());
        thread::scope(|scope| {
            for work in self.works {
                let (opened, there, done) = (opened.clone(), there.clone(), done.clone());
                scope.spawn(move || {
                    drop(there);
                    let _ = opened.recv();
                    work();
                    drop(done);
                });
            }
            there.wait();
            let watch = Stopwatch::start();
            drop(gate);
            done.wait();
            watch.read()
        })
    }
}
