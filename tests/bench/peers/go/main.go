// SPDX-License-Identifier: BSL-1.0

// One round of one work in Go, with channels, select, goroutines and sync.WaitGroup:
//
//	bench_go <work> <argument>...
//
// prints a line "<figure> <number>" for each figure. Ends with 2 where Go does not offer the work with
// these arguments, with 1 where a result is wrong.
package main

import (
	"fmt"
	"os"
)

// A work takes its arguments and says what to print.
type work func(*arguments) figures

var works = map[string]work{
	"seq":             seq,
	"channel":         channel,
	"ping_pong":       pingPong,
	"select_rx":       selectReceive,
	"select_both":     selectBoth,
	"spawn_join":      spawnJoin,
	"spawn_burst":     spawnBurst,
	"limited_tasks":   limitedTasks,
	"when_all":        whenAll,
	"nested_when_all": nestedWhenAll,
	"fibonacci":       fibonacci,
	"for_each":        forEach,
	"transform":       transform,
	"wait_group":      waitGroup,
	"semaphore":       semaphore,
	"stop_blocked":    stopBlocked,
	"close_blocked":   closeBlocked,
	"blocked_memory":  blockedMemory,
	"idle_cpu":        idleCPU,
}

func main() {
	args := &arguments{os.Args[1:]}
	run, offered := works[args.word()]
	if !offered {
		notOffered()
	}
	for _, f := range run(args) {
		fmt.Printf("%s %.6g\n", f.name, f.value)
	}
}
