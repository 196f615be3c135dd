// SPDX-License-Identifier: BSL-1.0

use crate::arguments::Arguments;
use crate::measure::{check_equal, time_after_first, Failure, Figures};
use crate::spawners::{Rayon, Spawner};
use rayon::prelude::*;

fn cheap(x: f64) -> f64 {
    2.0 * x + 1.0
}

/// Stands for a function that takes a while: a call, so that no program's loop takes two at once.
#[inline(never)]
fn medium(x: f64) -> f64 {
    (0..100).fold(x, |x, i| (x + f64::from(i)).sqrt())
}

pub fn for_each(arguments: &mut Arguments) -> Result<Figures, Failure> {
    match arguments.word()?.as_str() {
        "cheap" => time_for_each(cheap, arguments),
        "sqrt" => time_for_each(f64::sqrt, arguments),
        "medium" => time_for_each(medium, arguments),
        _ => Err(Failure::NotOffered),
    }
}

pub fn transform(arguments: &mut Arguments) -> Result<Figures, Failure> {
    match arguments.word()?.as_str() {
        "cheap" => time_transform(cheap, arguments),
        "sqrt" => time_transform(f64::sqrt, arguments),
        "medium" => time_transform(medium, arguments),
        _ => Err(Failure::NotOffered),
    }
}

fn time_for_each(
    f: impl Fn(f64) -> f64 + Sync,
    arguments: &mut Arguments,
) -> Result<Figures, Failure> {
    let (elements, rounds) = (arguments.positive()?, arguments.positive()?);
    let mut values = counting(elements);
    let spent = Rayon::within(|| {
        time_after_first(rounds, || values.par_iter_mut().for_each(|x| *x = f(*x)))
    });
    check_values(&values, f, rounds + 1)?;
    Ok(spent.per(elements * rounds))
}

fn time_transform(
    f: impl Fn(f64) -> f64 + Sync,
    arguments: &mut Arguments,
) -> Result<Figures, Failure> {
    let (elements, rounds) = (arguments.positive()?, arguments.positive()?);
    let values = counting(elements);
    let mut results = Vec::new();
    let spent = Rayon::within(|| {
        time_after_first(rounds, || {
            results = values.par_iter().map(|x| f(*x)).collect();
        })
    });
    check_values(&results, f, 1)?;
    Ok(spent.per(elements * rounds))
}

/// 1, 2, 3, ...
fn counting(elements: usize) -> Vec<f64> {
    (1..=elements).map(|n| n as f64).collect()
}

/// Each has been so many times through `f`.
fn check_values(values: &[f64], f: impl Fn(f64) -> f64, times: usize) -> Result<(), Failure> {
    let expected: Vec<f64> = counting(values.len())
        .into_iter()
        .map(|x| (0..times).fold(x, |x, _| f(x)))
        .collect();
    check_equal("every value is right", values == expected, true)
}
