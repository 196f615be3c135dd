// SPDX-License-Identifier: BSL-1.0

package main

import (
	"sync"
	"sync/atomic"
)

// A counter counts the tasks that have run: all that a task does that is called empty.
type counter struct {
	atomic.Int64
}

func (c *counter) mustBe(tasks int) {
	mustEqual("tasks run", c.Load(), int64(tasks))
}

func spawnJoin(args *arguments) figures {
	return timeBursts(1, args.positive())
}

func spawnBurst(args *arguments) figures {
	tasks, rounds := args.positive(), args.positive()
	return timeBursts(tasks, rounds)
}

func timeBursts(tasks, rounds int) figures {
	var ran counter
	watch := timeAfterFirst(rounds, func() { burst(tasks, &ran) })
	figures := watch.per(tasks * rounds)
	ran.mustBe(tasks * (rounds + 1))
	return figures
}

func burst(tasks int, ran *counter) {
	var running sync.WaitGroup
	running.Add(tasks)
	for i := 0; i < tasks; i++ {
		go func() {
			defer running.Done()
			ran.Add(1)
		}()
	}
	running.Wait()
}

// As errgroup does with a limit: a channel holds a token for each running task.
func limitedTasks(args *arguments) figures {
	tasks, limit := args.positive(), args.positive()
	var ran counter
	watch := startStopwatch()
	tokens := make(chan struct{}, limit)
	var running sync.WaitGroup
	for i := 0; i < tasks; i++ {
		tokens <- struct{}{}
		running.Add(1)
		go func() {
			defer func() {
				<-tokens
				running.Done()
			}()
			ran.Add(1)
		}()
	}
	running.Wait()
	figures := watch.per(tasks)
	ran.mustBe(tasks)
	return figures
}

func whenAll(args *arguments) figures {
	rounds := args.positive()
	return timeTrees(1, rounds, rounds)
}

func nestedWhenAll(args *arguments) figures {
	depth, rounds := args.number(), args.positive()
	return timeTrees(depth, rounds, rounds<<depth)
}

// The time is that of all, by pieces.
func timeTrees(depth, rounds, pieces int) figures {
	var ran counter
	watch := timeAfterFirst(rounds, func() { leaves(depth, &ran) })
	figures := watch.per(pieces)
	ran.mustBe((rounds + 1) << depth)
	return figures
}

// A binary tree of that depth; its leaves are empty tasks.
func leaves(depth int, ran *counter) {
	if depth == 0 {
		ran.Add(1)
		return
	}
	both(
		func() { leaves(depth-1, ran) },
		func() { leaves(depth-1, ran) },
	)
}

func both(first, second func()) {
	var running sync.WaitGroup
	running.Add(1)
	go func() {
		defer running.Done()
		first()
	}()
	second()
	running.Wait()
}

func fibonacci(args *arguments) figures {
	n, cutoff, rounds := args.number(), args.number(), args.positive()
	var sum int64
	watch := timeAfterFirst(rounds, func() { sum += forkFibonacci(n, cutoff) })
	figures := watch.per(rounds)
	mustEqual("fibonacci", sum, int64(rounds+1)*iteratedFibonacci(n))
	return figures
}

func forkFibonacci(n, cutoff int) int64 {
	if n < cutoff || n < 2 {
		return plainFibonacci(n)
	}
	var a int64
	var running sync.WaitGroup
	running.Add(1)
	go func() {
		defer running.Done()
		a = forkFibonacci(n-1, cutoff)
	}()
	b := forkFibonacci(n-2, cutoff)
	running.Wait()
	return a + b
}

func plainFibonacci(n int) int64 {
	if n < 2 {
		return int64(n)
	}
	return plainFibonacci(n-1) + plainFibonacci(n-2)
}

func iteratedFibonacci(n int) int64 {
	a, b := int64(0), int64(1)
	for i := 0; i < n; i++ {
		a, b = b, a+b
	}
	return a
}
