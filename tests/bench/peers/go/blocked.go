// SPDX-License-Identifier: BSL-1.0

package main

import (
	"bytes"
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

func stopBlocked(args *arguments) figures {
	tasks := args.positive()
	blocked := blockInSelect(tasks, newStates(tasks))
	watch := startStopwatch()
	blocked.stop()
	blocked.running.Wait()
	figures := watch.per(tasks)
	mustEqual("tasks stopped", blocked.ended.Load(), int64(tasks))
	return figures
}

func closeBlocked(args *arguments) figures {
	tasks := args.positive()
	blocked := blockInReceive(tasks, newStates(tasks))
	watch := startStopwatch()
	blocked.close()
	figures := watch.per(tasks)
	mustEqual("tasks that saw the close", blocked.ended.Load(), int64(tasks))
	return figures
}

func blockedMemory(args *arguments) figures {
	tasks := args.positive()
	blockInReceive(1, newStates(1)).close() // what is allocated once is not a task's
	states := newStates(tasks)
	before := residentBytes()
	blocked := blockInReceive(tasks, states)
	used := residentBytes() - before
	blocked.close()
	return figures{{"bytes", float64(used) / float64(tasks)}}
}

func idleCPU(args *arguments) figures {
	tasks, milliseconds := args.number(), args.positive()
	blocked := blockInReceive(tasks, newStates(tasks))
	before := usedCPU()
	time.Sleep(time.Duration(milliseconds) * time.Millisecond)
	used := usedCPU() - before
	blocked.close()
	return figures{{"cpu_ms", used.Seconds() * 1e3}}
}

// Goroutines that are blocked on an empty channel.
type blockedTasks struct {
	items   chan int64
	stop    context.CancelFunc
	running sync.WaitGroup
	ended   atomic.Int64 // as they were meant to end
}

func blockInReceive(tasks int, states *states) *blockedTasks {
	blocked := &blockedTasks{items: make(chan int64)}
	blocked.spawn(tasks, states, "[chan receive", func() {
		if _, ok := <-blocked.items; !ok {
			blocked.ended.Add(1)
		}
	})
	return blocked
}

func blockInSelect(tasks int, states *states) *blockedTasks {
	ctx, stop := context.WithCancel(context.Background())
	blocked := &blockedTasks{items: make(chan int64), stop: stop}
	blocked.spawn(tasks, states, "[select", func() {
		select {
		case <-ctx.Done():
			blocked.ended.Add(1)
		case <-blocked.items:
		}
	})
	return blocked
}

// Returns when all are in that state.
func (b *blockedTasks) spawn(tasks int, states *states, state string, task func()) {
	b.running.Add(tasks)
	for i := 0; i < tasks; i++ {
		go func() {
			defer b.running.Done()
			task()
		}()
	}
	for states.count(state) < tasks {
		runtime.Gosched()
	}
}

func (b *blockedTasks) close() {
	close(b.items)
	b.running.Wait()
}

// Looks at the states of goroutines: the runtime tells them only as a text.
type states struct {
	text []byte
}

func newStates(goroutines int) *states {
	text := make([]byte, 1024*(goroutines+4))
	for i := range text {
		text[i] = 1 // so that it is resident before the tasks are
	}
	return &states{text}
}

func (s *states) count(state string) int {
	length := runtime.Stack(s.text, true)
	return bytes.Count(s.text[:length], []byte(state))
}
