//go:build linux && !amd64 && !arm64

package gostack

import "errors"

func registers(int) (place, error) { return place{}, errors.ErrUnsupported }
