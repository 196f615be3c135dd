// SPDX-License-Identifier: BSL-1.0

package main

import "sync"

func waitGroup(args *arguments) figures {
	rounds := args.positive()
	var group sync.WaitGroup
	watch := startStopwatch()
	for i := 0; i < rounds; i++ {
		group.Add(1)
		group.Done()
		group.Wait()
	}
	return watch.per(rounds)
}

// The standard library has no other one than a channel of tokens.
func semaphore(args *arguments) figures {
	rounds := args.positive()
	tokens := make(chan struct{}, 1)
	watch := startStopwatch()
	for i := 0; i < rounds; i++ {
		tokens <- struct{}{}
		<-tokens
	}
	figures := watch.per(rounds)
	mustEqual("tokens left", len(tokens), 0)
	return figures
}
