// SPDX-License-Identifier: BSL-1.0

package main

import (
	"fmt"
	"os"
	"strconv"
)

// The arguments not yet taken. One that is missing or not understood ends the program as not offered.
type arguments struct {
	rest []string
}

func (a *arguments) word() string {
	if len(a.rest) == 0 {
		notOffered()
	}
	word := a.rest[0]
	a.rest = a.rest[1:]
	return word
}

// A capacity too: Go has no unbounded channel, so "unbounded" is no number.
func (a *arguments) number() int {
	number, err := strconv.Atoi(a.word())
	if err != nil || number < 0 {
		notOffered()
	}
	return number
}

func (a *arguments) positive() int {
	number := a.number()
	if number == 0 {
		notOffered()
	}
	return number
}

func notOffered() {
	os.Exit(2)
}

func mustEqual[T comparable](what string, actual, expected T) {
	if actual != expected {
		fmt.Fprintf(os.Stderr, "%s: %v instead of %v\n", what, actual, expected)
		os.Exit(1)
	}
}
