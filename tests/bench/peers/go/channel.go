// SPDX-License-Identifier: BSL-1.0

package main

import (
	"sort"
	"sync"
	"time"
)

// The works that are there for several types of items.
type channelWorks interface {
	seq(capacity, items int) figures
	channel(senders, receivers, capacity, items int) figures
}

func worksWith(item string) channelWorks {
	switch item {
	case "int64":
		return overArrays[int64s]()
	case "bytes64":
		return overArrays[bytes64]()
	case "unique_ptr":
		return overPointers()
	}
	notOffered()
	return nil
}

func seq(args *arguments) figures {
	capacity := args.positive()
	works := worksWith(args.word())
	return works.seq(capacity, args.positive())
}

func channel(args *arguments) figures {
	senders, receivers, capacity := args.positive(), args.positive(), args.number()
	works := worksWith(args.word())
	return works.channel(senders, receivers, capacity, args.positive())
}

func (over loopsOver[T]) seq(capacity, items int) figures {
	c := make(chan T, capacity)
	watch := startStopwatch()
	received := over.exchange(c, items)
	figures := watch.per(items)
	mustBeAll([]tally{received}, items)
	return figures
}

func (over loopsOver[T]) channel(senders, receivers, capacity, items int) figures {
	c := make(chan T, capacity)
	crew := newCrew()
	var sending sync.WaitGroup
	sending.Add(senders)
	for s := 0; s < senders; s++ {
		numbers := share(items, s, senders)
		crew.add(func() {
			defer sending.Done()
			over.send(c, numbers)
		})
	}
	tallies := make([]tally, receivers)
	for r := range tallies {
		result := &tallies[r]
		crew.add(func() { *result = over.receive(c) })
	}
	go func() {
		sending.Wait()
		close(c)
	}()
	figures := crew.run(items)
	mustBeAll(tallies, items)
	return figures
}

func pingPong(args *arguments) figures {
	capacity, trips := args.number(), args.positive()
	ping, pong := make(chan int64, capacity), make(chan int64, capacity)
	crew := newCrew()
	crew.add(func() {
		for n := range ping {
			pong <- n
		}
		close(pong)
	})
	var returned tally
	ends := make([]time.Duration, trips) // of each round trip, since the first began
	crew.add(func() {
		start := time.Now()
		for i := range ends {
			ping <- int64(i)
			returned.add(<-pong)
			ends[i] = time.Since(start)
		}
		close(ping)
	})
	figures := crew.run(trips)
	mustBeAll([]tally{returned}, trips)
	return append(figures, percentiles(ends)...)
}

func percentiles(ends []time.Duration) figures {
	times := make([]time.Duration, len(ends))
	var last time.Duration
	for i, end := range ends {
		times[i] = end - last
		last = end
	}
	sort.Slice(times, func(a, b int) bool { return times[a] < times[b] })
	at := func(percent int) float64 {
		return float64(times[(len(times)-1)*percent/100].Nanoseconds())
	}
	return figures{{"p50", at(50)}, {"p99", at(99)}}
}
