// SPDX-License-Identifier: BSL-1.0

//! The macro has as many operations as were written: four. For other counts there is `Select`.
//! Receivers know how many items come: no channel is closed.

use crate::arguments::Arguments;
use crate::channel::make_channel;
use crate::crew::Crew;
use crate::items::{check_all, share, Tally};
use crate::measure::{Failure, Figures};
use crossbeam::channel::{select, Receiver, Select, Sender};
use std::ops::Range;

const FOUR: usize = 4;

pub fn select_rx(arguments: &mut Arguments) -> Result<Figures, Failure> {
    let (count, capacity, items) = (
        arguments.positive()?,
        arguments.capacity()?,
        arguments.positive()?,
    );
    let (senders, receivers) = make_channels(count, capacity);
    let mut received = Tally::default();
    let mut crew = Crew::default();
    for (i, sender) in senders.iter().enumerate() {
        crew.add(move || {
            for number in share(items, i, count) {
                sender.send(number).unwrap();
            }
        });
    }
    crew.add(|| {
        received = match count {
            FOUR => receive_from_four(&receivers, items),
            _ => receive_from_any(&receivers, items),
        }
    });
    let spent = crew.run();
    check_all(&[received], items)?;
    Ok(spent.per(items))
}

pub fn select_both(arguments: &mut Arguments) -> Result<Figures, Failure> {
    let (threads, capacity, items) = (
        arguments.positive()?,
        arguments.capacity()?,
        arguments.positive()?,
    );
    let (senders, receivers) = make_channels(FOUR, capacity);
    let mut tallies = vec![Tally::default(); threads];
    let mut crew = Crew::default();
    for (i, tally) in tallies.iter_mut().enumerate() {
        let numbers = share(items, i, threads);
        let count = numbers.clone().count();
        let (senders, receivers) = (&senders, &receivers);
        crew.add(move || send_to_four(senders, numbers));
        crew.add(move || *tally = receive_from_four(receivers, count));
    }
    let spent = crew.run();
    check_all(&tallies, items)?;
    Ok(spent.per(items))
}

type Ends = (Vec<Sender<i64>>, Vec<Receiver<i64>>);

fn make_channels(count: usize, capacity: Option<usize>) -> Ends {
    (0..count).map(|_| make_channel(capacity)).unzip()
}

fn send_to_four(senders: &[Sender<i64>], numbers: Range<i64>) {
    for number in numbers {
        select! {
            send(senders[0], number) -> sent => sent,
            send(senders[1], number) -> sent => sent,
            send(senders[2], number) -> sent => sent,
            send(senders[3], number) -> sent => sent,
        }
        .unwrap();
    }
}

fn receive_from_four(receivers: &[Receiver<i64>], items: usize) -> Tally {
    let mut received = Tally::default();
    for _ in 0..items {
        let number = select! {
            recv(receivers[0]) -> number => number,
            recv(receivers[1]) -> number => number,
            recv(receivers[2]) -> number => number,
            recv(receivers[3]) -> number => number,
        };
        received.add(number.unwrap());
    }
    received
}

fn receive_from_any(receivers: &[Receiver<i64>], items: usize) -> Tally {
    let mut select = Select::new();
    for receiver in receivers {
        select.recv(receiver);
    }
    let mut received = Tally::default();
    for _ in 0..items {
        let operation = select.select();
        let receiver = &receivers[operation.index()];
        received.add(operation.recv(receiver).unwrap());
    }
    received
}
