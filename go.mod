module github.com/go-manhole/lazy

go 1.26.0

require (
	github.com/DataDog/gostackparse v0.7.0
	github.com/google/gops v0.3.28
	github.com/spf13/cobra v1.10.2
	github.com/spf13/pflag v1.0.9
	golang.org/x/sys v0.49.0
	golang.org/x/term v0.47.0
)

require (
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/stretchr/testify v1.8.4 // indirect
)
