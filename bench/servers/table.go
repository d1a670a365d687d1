//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/go-manhole/lazy/bench/internal/load"
)

// A result is one slice.
type result struct {
	round int // from 0
	load  *load.Result
	pokes pokes
	cpu   time.Duration // of the server
}

// perRequest is the server's CPU time for one request, in microseconds.
func (r result) perRequest() float64 {
	return float64(r.cpu.Nanoseconds()) / 1e3 / float64(max(r.load.Requests, 1))
}

// line is for people who want every slice, and for those who wait.
func (r result) line() string {
	h := &r.load.Latency
	return fmt.Sprintf("%d requests, %d failed, p50 %s p99 %s p99.9 %s max %s us, %.1f us CPU/request; %d pokes, %d failed",
		r.load.Requests, r.load.Failed, micros(h.Quantile(0.5)), micros(h.Quantile(0.99)), micros(h.Quantile(0.999)), micros(h.Max()),
		r.perRequest(), r.pokes.sent, r.pokes.failed)
}

// figures are p50, p99 and p99.9 of the latency, and the CPU time per request,
// in microseconds.
type figures [4]float64

func (r result) figures() figures {
	us := func(q float64) float64 { return float64(r.load.Latency.Quantile(q).Nanoseconds()) / 1e3 }
	return figures{us(0.5), us(0.99), us(0.999), r.perRequest()}
}

// A total is all slices of one variant.
type total struct {
	name  string
	load  load.Result
	pokes pokes
	cpu   time.Duration
	each  []figures // of the slices, by round
}

func (t *total) add(r result) {
	t.load.Add(r.load)
	t.pokes.add(&r.pokes)
	t.cpu += r.cpu
	for len(t.each) <= r.round {
		t.each = append(t.each, figures{})
	}
	t.each[r.round] = r.figures()
}

// absolute shows what all slices of a variant have in common.
func absolute(totals []total) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\trequests\tfailed\tpokes\tfailed\tpoke ms\tp50 us\tp99 us\tp99.9 us\tmax us\tCPU us/request\t")
	for i := range totals {
		t := &totals[i]
		poke := "-"
		if t.pokes.sent > 0 {
			poke = fmt.Sprintf("%.1f", float64(t.pokes.time.Quantile(0.5).Microseconds())/1e3)
		}
		f := result{load: &t.load, cpu: t.cpu}.figures()
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%s\t%.0f\t%.0f\t%.0f\t%s\t%.1f\t\n", t.name,
			t.load.Requests, t.load.Failed, t.pokes.sent, t.pokes.failed, poke, f[0], f[1], f[2], micros(t.load.Latency.Max()), f[3])
	}
	w.Flush()
	return b.String()
}

// ratios compares every slice with that of the first variant in the same round,
// and shows the median of all rounds, the lowest and the highest.
func ratios(totals []total) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "x %s\tp50\tp99\tp99.9\tCPU\t\n", totals[0].name)
	for _, t := range totals[1:] {
		fmt.Fprintf(w, "%s\t", t.name)
		for column := range len(figures{}) {
			var r []float64
			for round, base := range totals[0].each {
				r = append(r, t.each[round][column]/base[column])
			}
			slices.Sort(r)
			fmt.Fprintf(w, "%.2f (%.2f-%.2f)\t", (r[(len(r)-1)/2]+r[len(r)/2])/2, r[0], r[len(r)-1])
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return b.String()
}

func micros(d time.Duration) string { return fmt.Sprint(d.Round(time.Microsecond).Microseconds()) }
