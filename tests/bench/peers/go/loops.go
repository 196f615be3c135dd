// SPDX-License-Identifier: BSL-1.0

package main

import (
	"math"
	"runtime"
	"sync"
)

func cheap(x float64) float64 { return 2*x + 1 }

// Stands for a function that takes a while: a call, so that no program's loop takes two at once.
//
//go:noinline
func medium(x float64) float64 {
	for i := 0; i < 100; i++ {
		x = math.Sqrt(x + float64(i))
	}
	return x
}

// The loop over a part, with the function in it: a call through a variable would not be inlined.
type loop func(to, from []float64)

func cheapLoop(to, from []float64) {
	for i, x := range from {
		to[i] = cheap(x)
	}
}

func sqrtLoop(to, from []float64) {
	for i, x := range from {
		to[i] = math.Sqrt(x)
	}
}

func mediumLoop(to, from []float64) {
	for i, x := range from {
		to[i] = medium(x)
	}
}

func (a *arguments) loop() loop {
	switch a.word() {
	case "cheap":
		return cheapLoop
	case "sqrt":
		return sqrtLoop
	case "medium":
		return mediumLoop
	}
	notOffered()
	return nil
}

// An even part of the elements for each processor.
func inParts(loop loop, to, from []float64) {
	parts := runtime.GOMAXPROCS(0)
	var running sync.WaitGroup
	running.Add(parts)
	for p := 0; p < parts; p++ {
		part := share(len(from), p, parts)
		go func() {
			defer running.Done()
			loop(to[part.first:part.last], from[part.first:part.last])
		}()
	}
	running.Wait()
}

func forEach(args *arguments) figures {
	loop, elements, rounds := args.loop(), args.positive(), args.positive()
	data := counting(elements)
	watch := timeAfterFirst(rounds, func() { inParts(loop, data, data) })
	figures := watch.per(elements * rounds)
	mustBeDone(data, loop, rounds+1)
	return figures
}

func transform(args *arguments) figures {
	loop, elements, rounds := args.loop(), args.positive(), args.positive()
	data := counting(elements)
	var result []float64
	watch := timeAfterFirst(rounds, func() {
		result = make([]float64, elements)
		inParts(loop, result, data)
	})
	figures := watch.per(elements * rounds)
	mustBeDone(result, loop, 1)
	return figures
}

// 1, 2, 3, ...
func counting(count int) []float64 {
	numbers := make([]float64, count)
	for i := range numbers {
		numbers[i] = float64(i + 1)
	}
	return numbers
}

// Each element of data has been so many times through the loop.
func mustBeDone(data []float64, loop loop, times int) {
	expected := counting(len(data))
	for t := 0; t < times; t++ {
		loop(expected, expected)
	}
	for i := range data {
		mustEqual("element", data[i], expected[i])
	}
}
