// SPDX-License-Identifier: BSL-1.0

package main

import "reflect"

// A select statement has as many cases as were written: four. For other counts there is reflect.Select.
// Receivers know how many items come: no channel is closed.
const four = 4

func selectReceive(args *arguments) figures {
	senders, capacity, items := args.positive(), args.number(), args.positive()
	channels := makeChannels(senders, capacity)
	crew := newCrew()
	for s, c := range channels {
		numbers, c := share(items, s, senders), c
		crew.add(func() {
			for n := numbers.first; n < numbers.last; n++ {
				c <- int64(n)
			}
		})
	}
	var received tally
	crew.add(func() {
		if senders == four {
			received = receiveFromFour(channels, items)
		} else {
			received = receiveFromAny(channels, items)
		}
	})
	figures := crew.run(items)
	mustBeAll([]tally{received}, items)
	return figures
}

func selectBoth(args *arguments) figures {
	threads, capacity, items := args.positive(), args.number(), args.positive()
	channels := makeChannels(four, capacity)
	crew := newCrew()
	tallies := make([]tally, threads)
	for t := range tallies {
		numbers, result := share(items, t, threads), &tallies[t]
		crew.add(func() { sendToFour(channels, numbers) })
		crew.add(func() { *result = receiveFromFour(channels, numbers.last-numbers.first) })
	}
	figures := crew.run(items)
	mustBeAll(tallies, items)
	return figures
}

func makeChannels(count, capacity int) []chan int64 {
	channels := make([]chan int64, count)
	for i := range channels {
		channels[i] = make(chan int64, capacity)
	}
	return channels
}

func sendToFour(channels []chan int64, numbers span) {
	a, b, c, d := channels[0], channels[1], channels[2], channels[3]
	for n := numbers.first; n < numbers.last; n++ {
		select {
		case a <- int64(n):
		case b <- int64(n):
		case c <- int64(n):
		case d <- int64(n):
		}
	}
}

func receiveFromFour(channels []chan int64, items int) (received tally) {
	a, b, c, d := channels[0], channels[1], channels[2], channels[3]
	for i := 0; i < items; i++ {
		select {
		case n := <-a:
			received.add(n)
		case n := <-b:
			received.add(n)
		case n := <-c:
			received.add(n)
		case n := <-d:
			received.add(n)
		}
	}
	return received
}

func receiveFromAny(channels []chan int64, items int) (received tally) {
	cases := make([]reflect.SelectCase, len(channels))
	for i, c := range channels {
		cases[i] = reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(c)}
	}
	for i := 0; i < items; i++ {
		_, n, _ := reflect.Select(cases)
		received.add(n.Int())
	}
	return received
}
