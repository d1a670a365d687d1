package stackdump

import (
	"bufio"
	"strings"
	"testing"
)

func TestShortPath(t *testing.T) {
	const shop = "github.com/acme/shop/internal/queue"
	for _, test := range []struct{ function, file, want string }{
		{"main.main", "/home/ci/some/long/directory/of/the/build/main.go", "/home/ci/some/long/directory/of/the/build/main.go"},
		{"net/http.(*Server).Serve", "/usr/local/go/src/net/http/server.go", "/usr/local/go/src/net/http/server.go"},
		{shop + ".(*Queue).Take", "/home/ci/src/github.com/acme/shop/internal/queue/take.go", "/home/ci/src/.../take.go"},
		{shop + ".Take", "/root/go/pkg/mod/github.com/acme/shop@v1.2.3/internal/queue/take.go", "/root/go/pkg/mod/...@v1.2.3/.../take.go"},
		{"github.com/acme/shop-with-a-long-name.Take", "/go/pkg/mod/github.com/acme/shop-with-a-long-name@v1.2.3/take.go", "/go/pkg/mod/...@v1.2.3/take.go"},
		{shop + ".Take", shop + "/take.go", ".../take.go"}, // built with -trimpath
		{shop + ".Map[go.shape.string,a/b.C].func1", "/src/" + shop + "/map.go", "/src/.../map.go"},
		{shop + "/yaml%2ev3.Decode", "/src/" + shop + "/yaml.v3/decode.go", "/src/.../decode.go"},
		{shop + ".Take", "/home/ci/shop/internal/queue/take.go", "/home/ci/shop/internal/queue/take.go"},
		{shop + ".Take", "C:/work/" + shop + "/take.go", "C:/work/.../take.go"},
		{"", "", ""}, {"f", "x.go", "x.go"}, {"a/b.c", "/", "/"},
	} {
		if got := shortPath(Frame{Func: test.function, File: test.file}); got != test.want {
			t.Errorf("%s in %s: %s, not %s", test.function, test.file, got, test.want)
		}
	}
}

// TestOneEdge: the places of calls are in one column, however long the names are.
func TestOneEdge(t *testing.T) {
	long := "github.com/acme/shop/internal/queue.(*Queue[go.shape.string]).TakeOrWait.func1"
	var text strings.Builder
	b := bufio.NewWriter(&text)
	renderFrames(b, "    ", []Frame{{"main.f", "/f.go", 1}, {long, "/q.go", 2}, {"main.main", "/m.go", 3}})
	renderFrames(b, "    ", []Frame{{long, "/q.go", 2}, {"main.main", "/m.go", 3}, {long, "/q.go", 4}})
	frameLine(b, "    ", "created by "+long+" in goroutine 1234567", Frame{long, "/q.go", 5}, 0)
	b.Flush()
	want := "    main.f     /f.go:1\n    " + long + "\n               /q.go:2\n    main.main  /m.go:3\n    " + long + "\n        /q.go:2\n    main.main\n        /m.go:3\n    " + long + "\n        /q.go:4\n    created by " + long + " in goroutine 1234567\n        /q.go:5\n"
	if text.String() != want {
		t.Errorf("got\n%s\nnot\n%s", text.String(), want)
	}
}

func FuzzShortPath(f *testing.F) {
	f.Add("a/b@v1.c", "/a/b@v1/c.go")
	f.Fuzz(func(t *testing.T, function, file string) {
		if got := shortPath(Frame{Func: function, File: file}); len(got) > len(file) {
			t.Errorf("%q in %q: %q", function, file, got)
		}
	})
}
