// Package load makes requests at a bounded rate and records how long they take.
package load

import (
	"context"
	"sync"
	"time"
)

// A Client makes one request at a time.
type Client interface {
	Do() error
	Close()
}

// A Plan says how much load there is.
type Plan struct {
	Workers int
	Rate    float64 // requests per second of all workers together; 0 is as fast as possible
	Dial    func() (Client, error)
}

// A Result is what the requests of one run came to.
type Result struct {
	Requests, Failed int
	Latency          Histogram
	FirstError       error
}

// Add adds other to r.
func (r *Result) Add(other *Result) {
	r.Requests += other.Requests
	r.Failed += other.Failed
	r.Latency.Add(&other.Latency)
	if r.FirstError == nil {
		r.FirstError = other.FirstError
	}
}

// Run makes requests until ctx is done, and finishes those under way.
//
// A request's time counts from when it was due if its worker was still busy
// with the one before, so that a pause of the server is paid for by all the
// requests that fell into it. Otherwise it counts from when it was sent: that
// the generator's own timer came late is not the server's fault.
func (p Plan) Run(ctx context.Context) *Result {
	var total Result
	var mu sync.Mutex
	var workers sync.WaitGroup
	start := time.Now()
	for i := range p.Workers {
		workers.Go(func() {
			r := p.work(ctx, start, i)
			mu.Lock()
			defer mu.Unlock()
			total.Add(r)
		})
	}
	workers.Wait()
	return &total
}

func (p Plan) work(ctx context.Context, start time.Time, worker int) *Result {
	r := new(Result)
	failed := func(err error) {
		r.Failed++
		if r.FirstError == nil {
			r.FirstError = err
		}
	}
	client, err := p.Dial()
	if err != nil {
		r.Requests++
		failed(err)
		return r
	}
	defer client.Close()
	free := time.Now() // when the worker was done with the last request
	for n := 0; ctx.Err() == nil; n++ {
		from := free
		if p.Rate > 0 {
			from = start.Add(time.Duration(float64(n*p.Workers+worker) / p.Rate * float64(time.Second)))
			if from.After(free) {
				select {
				case <-ctx.Done():
					return r
				case <-time.After(time.Until(from)):
				}
				from = time.Now()
			}
		}
		err := client.Do()
		free = time.Now()
		r.Requests++
		r.Latency.Record(free.Sub(from))
		if err != nil {
			failed(err)
		}
	}
	return r
}

// Once makes one request over a new connection: whether the server still lets
// clients in.
func (p Plan) Once() error {
	client, err := p.Dial()
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Do()
}
