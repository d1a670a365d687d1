// Imports is a program that imports package armed. It says when it is ready, and
// ends with its standard input.
package main

import (
	"fmt"
	"io"
	"os"

	_ "github.com/go-manhole/lazy/armed"
)

func main() {
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}
