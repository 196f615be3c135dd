// SPDX-License-Identifier: BSL-1.0

use crate::measure::Failure;
use std::env::{args, Args};

/// The arguments not yet taken. One that is missing or not understood makes the work not offered.
pub struct Arguments {
    rest: Args,
}

impl Arguments {
    pub fn of_program() -> Self {
        let mut rest = args();
        rest.next(); // the program's name
        Arguments { rest }
    }

    pub fn word(&mut self) -> Result<String, Failure> {
        self.rest.next().ok_or(Failure::NotOffered)
    }

    pub fn number(&mut self) -> Result<usize, Failure> {
        number(&self.word()?)
    }

    pub fn positive(&mut self) -> Result<usize, Failure> {
        match self.number()? {
            0 => Err(Failure::NotOffered),
            number => Ok(number),
        }
    }

    /// None is unbounded.
    pub fn capacity(&mut self) -> Result<Option<usize>, Failure> {
        match self.word()?.as_str() {
            "unbounded" => Ok(None),
            word => number(word).map(Some),
        }
    }
}

fn number(word: &str) -> Result<usize, Failure> {
    word.parse().map_err(|_| Failure::NotOffered)
}
