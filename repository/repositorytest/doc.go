// Package repositorytest is the contract of the repository ports as tests: what
// every store must do, run by each implementation from its own test files.
//
// What belongs here: the suite, builders of rows, and naive oracles to compare
// with. What does not: tests of one implementation, SQL, and anything that looks
// past the ports. Only test files, tests/ and the demo import this package.
package repositorytest
