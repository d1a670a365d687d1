//go:build unix && !linux && !darwin && !freebsd

package main

import "errors"

func peerOf(int) (peer, error) {
	return peer{}, errors.ErrUnsupported
}
