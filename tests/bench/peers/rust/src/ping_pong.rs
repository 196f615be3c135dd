// SPDX-License-Identifier: BSL-1.0

use crate::arguments::Arguments;
use crate::channel::make_channel;
use crate::crew::Crew;
use crate::items::{check_all, Tally};
use crate::measure::{Failure, Figures};
use std::time::{Duration, Instant};

pub fn ping_pong(arguments: &mut Arguments) -> Result<Figures, Failure> {
    let (capacity, trips) = (arguments.capacity()?, arguments.positive()?);
    let (ping, pinged) = make_channel::<i64>(capacity);
    let (pong, ponged) = make_channel::<i64>(capacity);
    let mut returned = Tally::default();
    let mut times = vec![Duration::ZERO; trips];
    let mut crew = Crew::default();
    crew.add(move || {
        for number in pinged {
            pong.send(number).unwrap();
        }
    });
    crew.add(|| {
        let ping = ping; // dropped at the end, which ends the other thread
        let mut last = Instant::now();
        for (number, time) in times.iter_mut().enumerate() {
            ping.send(number as i64).unwrap();
            returned.add(ponged.recv().unwrap());
            let now = Instant::now();
            *time = now - last;
            last = now;
        }
    });
    let spent = crew.run();
    check_all(&[returned], trips)?;
    let mut figures = spent.per(trips);
    figures.extend([
        ("p50", percentile(&mut times, 50)),
        ("p99", percentile(&mut times, 99)),
    ]);
    Ok(figures)
}

/// In nanoseconds.
fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    let place = (times.len() - 1) * percent / 100;
    let (_, time, _) = times.select_nth_unstable(place);
    time.as_nanos() as f64
}
