package commands

import "testing"

func names() (all []string) {
	for _, c := range Builtin() {
		all = append(all, c.Name)
	}
	return all
}

func TestMeant(t *testing.T) {
	for word, want := range map[string]string{
		"stakc": "stack", "STACK": "stack", "sttas": "stats", "pprofheap": "pprof-heap", "memlimt": "memlimit", "hlep": "help",
		"exit": "quit", "?": "help", "goroutines": "stack", "heap": "pprof-heap -top", "mutex": "pprof mutex -top", "lsof": "fds",
		"nosuch": "", "nonsense": "", "bogus": "", "": "", "x": "", "end-0": "", "end-41": "", "api": "", "\xff\xfe": "",
	} {
		if got := Meant(word, names()); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
	if got := Meant("setgcc", []string{"stack"}); got != "" {
		t.Errorf("%q is offered where it does not exist", got)
	}
}

func FuzzMeant(f *testing.F) {
	f.Add("stakc")
	f.Add("\xff\x00")
	f.Fuzz(func(t *testing.T, word string) { Meant(word, names()) })
}
