// Loader runs Main of the plugin that its argument names.
package main

import (
	"fmt"
	"os"
	"plugin"
)

func main() {
	p, err := plugin.Open(os.Args[1])
	if err == nil {
		var run plugin.Symbol
		if run, err = p.Lookup("Main"); err == nil {
			run.(func())()
			return
		}
	}
	fmt.Println("error:", err)
}
