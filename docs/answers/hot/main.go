// Hot answers questions, and checks the spelling of each in a way that takes all
// of a CPU.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/go-manhole/lazy"
)

func main() {
	if err := lazy.Arm(); err != nil {
		fmt.Println(err)
	}
	fmt.Println(os.Getpid())
	words := strings.Fields(strings.Repeat("the quick brown fox jumps over the lazy dog ", 100))
	for {
		answer(words)
	}
}

func answer(words []string) {
	for _, w := range words {
		spell(w, words)
	}
}

// spell looks through all words for each.
func spell(word string, words []string) (known int) {
	for _, w := range words {
		if strings.EqualFold(w, word) {
			known++
		}
	}
	return known
}
