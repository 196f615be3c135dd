// SPDX-License-Identifier: BSL-1.0

package main

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

type figure struct {
	name  string
	value float64
}

type figures []figure

// A stopwatch knows when it was started, on the wall and in the CPU time of the whole process.
type stopwatch struct {
	wall time.Time
	cpu  time.Duration
}

func startStopwatch() stopwatch {
	cpu := usedCPU()
	return stopwatch{time.Now(), cpu}
}

// Calls round once before the clock starts, and then so many times. Read the stopwatch at once.
func timeAfterFirst(rounds int, round func()) stopwatch {
	round()
	watch := startStopwatch()
	for r := 0; r < rounds; r++ {
		round()
	}
	return watch
}

// The wall and CPU time since the start, shared out to so many items.
func (s stopwatch) per(items int) figures {
	wall := time.Since(s.wall)
	cpu := usedCPU() - s.cpu
	return figures{
		{"time", float64(wall.Nanoseconds()) / float64(items)},
		{"cpu", float64(cpu.Nanoseconds()) / float64(items)},
	}
}

func usedCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// From the page tables: the counters in statm may lag behind.
func residentBytes() int {
	rollup, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		notOffered()
	}
	words := bytes.Fields(rollup)
	for i, word := range words {
		if string(word) == "Rss:" {
			kilobytes, err := strconv.Atoi(string(words[i+1]))
			if err != nil {
				panic(err)
			}
			return kilobytes * 1024
		}
	}
	panic("smaps_rollup without Rss")
}
