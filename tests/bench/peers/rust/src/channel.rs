// SPDX-License-Identifier: BSL-1.0

use crate::arguments::Arguments;
use crate::crew::Crew;
use crate::items::{check_all, share, Bytes64, Item, Tally};
use crate::measure::{Failure, Figures};
use crossbeam::channel::{bounded, unbounded, Receiver, Sender};

pub fn make_channel<T>(capacity: Option<usize>) -> (Sender<T>, Receiver<T>) {
    match capacity {
        Some(capacity) => bounded(capacity),
        None => unbounded(),
    }
}

/// The works that are there for several types of items.
struct Works {
    seq: fn(capacity: Option<usize>, items: usize) -> Result<Figures, Failure>,
    channel: fn(
        senders: usize,
        receivers: usize,
        capacity: Option<usize>,
        items: usize,
    ) -> Result<Figures, Failure>,
}

impl Works {
    fn of<T: Item>() -> Result<Works, Failure> {
        Ok(Works {
            seq: seq_of::<T>,
            channel: channel_of::<T>,
        })
    }

    fn with(item: &str) -> Result<Works, Failure> {
        match item {
            "int64" => Works::of::<i64>(),
            "bytes64" => Works::of::<Bytes64>(),
            "unique_ptr" => Works::of::<Box<i64>>(),
            _ => Err(Failure::NotOffered),
        }
    }
}

pub fn seq(arguments: &mut Arguments) -> Result<Figures, Failure> {
    let capacity = arguments.capacity()?;
    if capacity == Some(0) {
        return Err(Failure::NotOffered);
    }
    let works = Works::with(&arguments.word()?)?;
    (works.seq)(capacity, arguments.positive()?)
}

/// On a thread of its own: where a program has no other thread, glibc's allocation and mutexes are
/// cheaper than they ever are where channels are of use.
fn seq_of<T: Item>(capacity: Option<usize>, items: usize) -> Result<Figures, Failure> {
    let (sender, receiver) = make_channel::<T>(capacity);
    let mut received = Tally::default();
    let mut crew = Crew::default();
    crew.add(|| {
        let mut mine = Tally::default();
        for number in 0..items as i64 {
            sender.send(T::of(number)).unwrap();
            mine.add(receiver.recv().unwrap().number());
        }
        received = mine;
    });
    let spent = crew.run();
    check_all(&[received], items)?;
    Ok(spent.per(items))
}

pub fn channel(arguments: &mut Arguments) -> Result<Figures, Failure> {
    let (senders, receivers) = (arguments.positive()?, arguments.positive()?);
    let capacity = arguments.capacity()?;
    let works = Works::with(&arguments.word()?)?;
    (works.channel)(senders, receivers, capacity, arguments.positive()?)
}

/// The receivers end when the last sender is dropped.
fn channel_of<T: Item>(
    senders: usize,
    receivers: usize,
    capacity: Option<usize>,
    items: usize,
) -> Result<Figures, Failure> {
    let (sender, receiver) = make_channel::<T>(capacity);
    let mut tallies = vec![Tally::default(); receivers];
    let mut crew = Crew::default();
    for i in 0..senders {
        let sender = sender.clone();
        crew.add(move || {
            for number in share(items, i, senders) {
                sender.send(T::of(number)).unwrap();
            }
        });
    }
    drop(sender);
    for tally in &mut tallies {
        let receiver = receiver.clone();
        crew.add(move || {
            let mut received = Tally::default();
            for item in receiver {
                received.add(item.number());
            }
            *tally = received;
        });
    }
    let spent = crew.run();
    check_all(&tallies, items)?;
    Ok(spent.per(items))
}
