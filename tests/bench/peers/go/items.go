// SPDX-License-Identifier: BSL-1.0

package main

// The items of 8 and of 64 bytes are arrays both, and their loops one: an array is written and read in
// place, while a conversion that is passed as a function would cost a call an item, and so would a
// method of a type parameter.
type (
	int64s  [1]int64
	bytes64 [8]int64
	arrays  interface{ int64s | bytes64 }
)

// The loops over a channel of T: numbers go in, and what comes out is counted.
type loopsOver[T any] struct {
	send     func(chan<- T, span)
	receive  func(<-chan T) tally    // until the channel is closed
	exchange func(chan T, int) tally // one in, one out
}

func overArrays[T arrays]() loopsOver[T] {
	return loopsOver[T]{sendArrays[T], receiveArrays[T], exchangeArrays[T]}
}

func overPointers() loopsOver[*int64] {
	return loopsOver[*int64]{sendPointers, receivePointers, exchangePointers}
}

func sendArrays[T arrays](c chan<- T, numbers span) {
	for n := numbers.first; n < numbers.last; n++ {
		var item T
		item[0] = int64(n)
		c <- item
	}
}

func sendPointers(c chan<- *int64, numbers span) {
	for n := numbers.first; n < numbers.last; n++ {
		item := int64(n)
		c <- &item
	}
}

func receiveArrays[T arrays](c <-chan T) (received tally) {
	for item := range c {
		received.add(item[0])
	}
	return received
}

func receivePointers(c <-chan *int64) (received tally) {
	for item := range c {
		received.add(*item)
	}
	return received
}

func exchangeArrays[T arrays](c chan T, items int) (received tally) {
	for n := 0; n < items; n++ {
		var item T
		item[0] = int64(n)
		c <- item
		item = <-c
		received.add(item[0])
	}
	return received
}

func exchangePointers(c chan *int64, items int) (received tally) {
	for n := 0; n < items; n++ {
		item := int64(n)
		c <- &item
		received.add(*<-c)
	}
	return received
}
