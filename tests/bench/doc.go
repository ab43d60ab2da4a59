// Package bench measures the product against a peer or a bare baseline in the
// same run, as ratios: run it with make bench.
//
// What belongs here: benchmarks that need engines or real sizes, and tests of
// budgets that are counts. What does not: timed tests, and benchmarks of one
// package, which stand beside it.
package bench
