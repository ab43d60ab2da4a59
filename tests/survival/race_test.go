//go:build race

package survival_test

// raced says that everything takes several times as long.
const raced = true
