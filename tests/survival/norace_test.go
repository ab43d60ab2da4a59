//go:build !race

package survival_test

const raced = false
