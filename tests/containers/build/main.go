package main

import (
	"fmt"
	"os"

	"github.com/wharf-project/wharf/tests/containers"
)

func main() {
	err := containers.Build(func(format string, args ...any) { fmt.Printf(format+"\n", args...) })
	if err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}
