package pollconn

import (
	"io"
	"testing"
)

func TestVanished(t *testing.T) {
	c, peer := pair(t)
	io.WriteString(peer, "unread")
	if c.Vanished() {
		t.Error("the peer is there")
	}
	peer.CloseWrite()
	if c.Vanished() {
		t.Error("the peer has only ended its input")
	}
	peer.Close()
	if !c.Vanished() {
		t.Error("the peer has closed its end")
	}
	if !c.HasInput() {
		t.Error("what it sent is lost")
	}
}
