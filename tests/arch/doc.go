// Package arch holds the tests of the project's own shape: who imports whom, one
// door to the handlers, what a package says of itself, and no hidden state.
//
// What belongs here: rules that are read off the sources, by parsing them (the
// output of a go list subprocess is no part of a test's cache key, so that a
// forbidden import would go on passing). What does not belong here: tests of
// what the code does, which live beside it.
package arch
