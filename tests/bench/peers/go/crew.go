// SPDX-License-Identifier: BSL-1.0

package main

import "sync"

// A crew is a number of goroutines that start their work together.
type crew struct {
	ready, done sync.WaitGroup
	begin       chan struct{}
}

func newCrew() *crew {
	return &crew{begin: make(chan struct{})}
}

func (c *crew) add(work func()) {
	c.ready.Add(1)
	c.done.Add(1)
	go func() {
		defer c.done.Done()
		c.ready.Done()
		<-c.begin
		work()
	}()
}

// Measures from the start until all are done.
func (c *crew) run(items int) figures {
	c.ready.Wait()
	watch := startStopwatch()
	close(c.begin)
	c.done.Wait()
	return watch.per(items)
}

// The numbers first <= n < last.
type span struct {
	first, last int
}

// The i-th of so many even shares of the numbers below count.
func share(count, i, shares int) span {
	return span{count * i / shares, count * (i + 1) / shares}
}

func sumBelow(count int) int64 {
	return int64(count) * int64(count-1) / 2
}

// A tally has a place for each receiver to leave what it has got.
type tally struct {
	count int
	sum   int64
}

func (t *tally) add(value int64) {
	t.count++
	t.sum += value
}

// The numbers below count, each once.
func mustBeAll(tallies []tally, count int) {
	var all tally
	for _, t := range tallies {
		all.count += t.count
		all.sum += t.sum
	}
	mustEqual("received", all, tally{count, sumBelow(count)})
}
