module github.com/go-manhole/lazy

go 1.26.0

require (
	github.com/DataDog/gostackparse v0.7.0
	github.com/google/gops v0.3.28
	golang.org/x/sys v0.49.0
)

require github.com/stretchr/testify v1.10.0 // indirect
