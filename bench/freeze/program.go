//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-manhole/lazy"
	"github.com/google/gops/agent"
)

const childVariable = "LAZY_BENCH_FREEZE_MB"

// answer is what the debuggers print.
var answer = map[string]int{"life": 42}

// heap is what the program has in memory: blocks of 64 KiB without zeros.
var heap [][]byte

// worst is the longest time that the spinning goroutine did not run.
var worst atomic.Int64

// child is the program: a heap, an HTTP server, a hundred goroutines that wait,
// and one that spins and notices when it does not run.
func child() {
	mb, _ := strconv.Atoi(os.Getenv(childVariable))
	for range mb * 16 {
		b := make([]byte, 64<<10)
		for i := range b {
			b[i] = byte(1 + rand.IntN(255))
		}
		heap = append(heap, b)
	}
	for range 100 {
		go func() { select {} }()
	}
	go func() {
		for last := time.Now(); ; {
			now := time.Now()
			if d := int64(now.Sub(last)); d > worst.Load() {
				worst.Store(d)
			}
			last = now
		}
	}()
	http.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, answer["life"]) })
	http.HandleFunc("/gap", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, worst.Swap(0)) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		err = lazy.Arm()
	}
	gopsAddr := freeAddress()
	if err == nil {
		err = agent.Listen(agent.Options{Addr: gopsAddr})
	}
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	fmt.Println(l.Addr(), gopsAddr)
	go http.Serve(l, nil)
	io.Copy(io.Discard, os.Stdin)
}

func freeAddress() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:0"
	}
	defer l.Close()
	return l.Addr().String()
}

// A program is a child.
type program struct {
	cmd   *exec.Cmd
	stdin io.Closer
	url   string
	agent string // address of the gops agent
}

func startProgram(ctx context.Context, mb int) (*program, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &program{cmd: exec.CommandContext(ctx, exe)}
	p.cmd.Env = append(os.Environ(), childVariable+"="+strconv.Itoa(mb))
	p.cmd.Stderr = io.Discard // the log of every session
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	addresses := strings.Fields(line)
	if err != nil || len(addresses) != 2 || strings.HasPrefix(line, "error") {
		p.stop()
		return nil, fmt.Errorf("the program says %q (%v)", line, err)
	}
	p.url, p.agent = "http://"+addresses[0], addresses[1]
	return p, nil
}

func (p *program) stop() {
	p.stdin.Close()
	p.cmd.Wait()
}

// gap returns the longest gap since the last call.
func (p *program) gap() (time.Duration, error) {
	r, err := http.Get(p.url + "/gap")
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	var n int64
	_, err = fmt.Fscan(r.Body, &n)
	return time.Duration(n), err
}

// resident returns the resident memory in MiB.
func (p *program) resident() int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	var size, resident int
	fmt.Sscan(string(text), &size, &resident)
	return resident * os.Getpagesize() >> 20
}

// load requests at a rate and notes the slowest answer, counted from when the
// request was due.
type load struct {
	slowest, failed atomic.Int64
	end             context.CancelFunc
	done            sync.WaitGroup
}

func startLoad(ctx context.Context, url string, rate int) *load {
	ctx, end := context.WithCancel(ctx)
	l := &load{end: end}
	const connections = 4
	for range connections {
		l.done.Add(1)
		go func() {
			defer l.done.Done()
			client := &http.Client{Transport: &http.Transport{}, Timeout: 2 * time.Minute}
			every := time.Second * connections / time.Duration(rate)
			for due := time.Now(); ctx.Err() == nil; due = due.Add(every) {
				time.Sleep(time.Until(due))
				r, err := client.Get(url + "/ok")
				if err == nil {
					_, err = io.Copy(io.Discard, r.Body)
					r.Body.Close()
				}
				if err != nil && ctx.Err() == nil {
					l.failed.Add(1)
				}
				took := int64(time.Since(due))
				for old := l.slowest.Load(); took > old && !l.slowest.CompareAndSwap(old, took); old = l.slowest.Load() {
				}
			}
		}()
	}
	return l
}

func (l *load) stop() {
	l.end()
	l.done.Wait()
}
