// Package porttest holds fakes and contract suites of the ports: what every
// implementation of a port must do, as tests that each of them runs.
//
// What belongs here: one fake and one suite per port, and the faults that prove
// the suite. What does not: tests of one implementation, and production code:
// only test files, tests/ and the demo import this package.
package porttest
