// SPDX-License-Identifier: BSL-1.0

use crate::measure::{check_equal, Failure};
use std::ops::Range;

/// Items carry a number, by which it is seen that none is lost.
pub trait Item: Send {
    fn of(number: i64) -> Self;
    fn number(&self) -> i64;
}

impl Item for i64 {
    fn of(number: i64) -> Self {
        number
    }
    fn number(&self) -> i64 {
        *self
    }
}

pub type Bytes64 = [i64; 8];

impl Item for Bytes64 {
    fn of(number: i64) -> Self {
        [number, 0, 0, 0, 0, 0, 0, 0]
    }
    fn number(&self) -> i64 {
        self[0]
    }
}

impl Item for Box<i64> {
    fn of(number: i64) -> Self {
        Box::new(number)
    }
    fn number(&self) -> i64 {
        **self
    }
}

/// The numbers of the i-th of so many who share out those below `count` evenly.
pub fn share(count: usize, i: usize, shares: usize) -> Range<i64> {
    let bound = |i: usize| (count * i / shares) as i64;
    bound(i)..bound(i + 1)
}

/// What a receiver has got.
#[derive(Clone, Copy, Default, Debug, PartialEq)]
pub struct Tally {
    count: usize,
    sum: i64,
}

impl Tally {
    pub fn add(&mut self, number: i64) {
        self.count += 1;
        self.sum += number;
    }
}

/// All together have got the numbers below `count`, each once.
pub fn check_all(tallies: &[Tally], count: usize) -> Result<(), Failure> {
    let mut all = Tally::default();
    for tally in tallies {
        all.count += tally.count;
        all.sum += tally.sum;
    }
    let sum = (0..count as i64).sum();
    check_equal("received", all, Tally { count, sum })
}
