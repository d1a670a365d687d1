//go:build linux || darwin || freebsd

package armed

import (
	"os"

	"github.com/go-manhole/lazy/internal/signame"
)

func parseSignal(v string) (os.Signal, error) { return signame.Parse(v) }
