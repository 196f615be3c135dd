// SPDX-License-Identifier: BSL-1.0

// Prints how many nanoseconds a goroutine takes, of a million that a WaitGroup waits for.
package main

import (
	"fmt"
	"sync"
	"time"
)

func main() {
	const tasks = 1000000
	start := time.Now()
	var group sync.WaitGroup
	for i := 0; i < tasks; i++ {
		group.Add(1)
		go func() { group.Done() }()
	}
	group.Wait()
	fmt.Println(float64(time.Since(start).Nanoseconds()) / tasks)
}
