//go:build linux

// Package natsd runs nats-server and puts load on it.
package natsd

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/go-manhole/lazy/bench/internal/load"
	"github.com/go-manhole/lazy/bench/internal/target"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// timeout is for a request. One that takes longer has failed.
const timeout = 30 * time.Second

// Serve starts nats-server on a free port of the loopback interface.
//
// Its own handling of signals is left out unless spec asks for it: it takes
// SIGUSR2 for "lame duck", and a plain kill would shut it down.
func Serve(spec target.Spec) (addr string, err error) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: !spec.Signals})
	if err != nil {
		return "", err
	}
	go s.Start()
	if !s.ReadyForConnections(timeout) {
		return "", errors.New("not ready for connections")
	}
	return s.ClientURL(), nil
}

// Dial returns a client whose requests are answered, through the server, by a
// second connection.
func Dial(addr string) (load.Client, error) {
	answering, err := connect(addr)
	if err != nil {
		return nil, err
	}
	subject := nats.NewInbox()
	if _, err = answering.Subscribe(subject, func(m *nats.Msg) { m.Respond(m.Data) }); err == nil {
		err = answering.FlushTimeout(timeout)
	}
	if err != nil {
		answering.Close()
		return nil, err
	}
	asking, err := connect(addr)
	if err != nil {
		answering.Close()
		return nil, err
	}
	return &client{asking: asking, answering: answering, subject: subject, payload: bytes.Repeat([]byte("x"), 128)}, nil
}

func connect(addr string) (*nats.Conn, error) {
	// A connection that breaks is a failed request, not to be hidden.
	return nats.Connect(addr, nats.NoReconnect(), nats.Timeout(timeout), nats.NoCallbacksAfterClientClose())
}

type client struct {
	asking, answering *nats.Conn
	subject           string
	payload           []byte
}

func (c *client) Do() error {
	m, err := c.asking.Request(c.subject, c.payload, timeout)
	if err != nil {
		return err
	}
	if !bytes.Equal(m.Data, c.payload) {
		return fmt.Errorf("the answer is %q", m.Data)
	}
	return nil
}

func (c *client) Close() {
	c.asking.Close()
	c.answering.Close()
}
