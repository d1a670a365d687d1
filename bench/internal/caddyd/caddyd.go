//go:build linux

// Package caddyd runs caddy, with its standard modules, and puts load on it.
package caddyd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"github.com/go-manhole/lazy/bench/internal/load"
	"github.com/go-manhole/lazy/bench/internal/target"
)

// timeout is for a request. One that takes longer has failed.
const timeout = 30 * time.Second

// content is the file that is served.
var content = bytes.Repeat([]byte("a small file\n"), 80)

type object = map[string]any

// Serve starts caddy as a file server, HTTP/1.1 without TLS, on a free port of
// 127.0.0.1.
func Serve(spec target.Spec) (addr string, err error) {
	root := filepath.Join(spec.Dir, "www")
	if err := os.Mkdir(root, 0o700); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(root, "file.txt"), content, 0o600); err != nil {
		return "", err
	}
	if addr, err = freeAddress(); err != nil {
		return "", err
	}
	config, err := json.Marshal(object{
		"admin":   object{"disabled": true, "config": object{"persist": false}},
		"logging": object{"logs": object{"default": object{"level": "ERROR"}}},
		"apps": object{"http": object{"servers": object{"bench": object{
			"listen":          []string{addr},
			"protocols":       []string{"h1"},
			"automatic_https": object{"disable": true},
			"routes":          []any{object{"handle": []any{object{"handler": "file_server", "root": root}}}},
		}}}},
	})
	if err != nil {
		return "", err
	}
	if err := caddy.Load(config, true); err != nil {
		return "", err
	}
	return addr, nil
}

// freeAddress finds a free port, since caddy does not say which one it got.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Dial returns a client that gets the file over one connection that is kept.
func Dial(addr string) (load.Client, error) {
	c := &client{url: "http://" + addr + "/file.txt"}
	c.http = &http.Client{Transport: &http.Transport{DialContext: c.dial}, Timeout: timeout}
	return c, nil
}

type client struct {
	url    string
	http   *http.Client
	dialed bool
}

// dial refuses a second connection: the transport would quietly try a request
// again whose connection broke.
func (c *client) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if c.dialed {
		return nil, errors.New("the connection was lost")
	}
	c.dialed = true
	return new(net.Dialer).DialContext(ctx, network, addr)
}

func (c *client) Do() error {
	r, err := c.http.Get(c.url)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if r.StatusCode != http.StatusOK || !bytes.Equal(body, content) {
		return fmt.Errorf("status %s with %d bytes", r.Status, len(body))
	}
	return nil
}

func (c *client) Close() { c.http.CloseIdleConnections() }
