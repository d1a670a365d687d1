package order

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

type pair struct{ key, place int }

func TestSort(t *testing.T) {
	for n := range 200 {
		list := make([]pair, n)
		for i := range list {
			list[i] = pair{rand.IntN(10), i}
		}
		byKey := func(a, b pair) int { return cmp.Compare(a.key, b.key) }
		want, sorted := slices.Clone(list), slices.Clone(list)
		slices.SortStableFunc(want, byKey)
		Stable(list, byKey)
		if !slices.Equal(list, want) {
			t.Errorf("%v, want %v", list, want)
		}
		Sort(sorted, byKey)
		if !slices.IsSortedFunc(sorted, byKey) {
			t.Error(sorted)
		}
	}
}
