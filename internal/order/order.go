// Package order sorts slices of any type with the code of [sort.Sort], which
// most programs have anyway. [slices.SortFunc] adds up to 25 kB to a program for
// each type.
package order

import "sort"

// Sort sorts as slices.SortFunc does.
func Sort[T any](list []T, compare func(a, b T) int) {
	sort.Sort(&sorter{
		len(list),
		func(i, j int) bool { return compare(list[i], list[j]) < 0 },
		func(i, j int) { list[i], list[j] = list[j], list[i] },
	})
}

// Stable sorts as slices.SortStableFunc does, and takes memory for a copy.
func Stable[T any](list []T, compare func(a, b T) int) {
	places := make([]int, len(list))
	for i := range places {
		places[i] = i
	}
	sort.Sort(&sorter{
		len(list),
		func(i, j int) bool {
			a, b := places[i], places[j]
			c := compare(list[a], list[b])
			return c < 0 || c == 0 && a < b
		},
		func(i, j int) { places[i], places[j] = places[j], places[i] },
	})
	sorted := make([]T, len(list))
	for to, from := range places {
		sorted[to] = list[from]
	}
	copy(list, sorted)
}

type sorter struct {
	n    int
	less func(i, j int) bool
	swap func(i, j int)
}

func (s *sorter) Len() int           { return s.n }
func (s *sorter) Less(i, j int) bool { return s.less(i, j) }
func (s *sorter) Swap(i, j int)      { s.swap(i, j) }
