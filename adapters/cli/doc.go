// Package cli is the command line: one command per action of the catalogue,
// with flags made from the action's fields, a few commands that need no service,
// and those that run until they are stopped, which the program lends.
//
// What belongs here: reading arguments, flags and settings into actions,
// printing results and errors for people and as JSON, asking before something
// is destroyed, exit codes. What does not: rules. Whatever an action means is
// decided behind [Service]. What needs the operating system is in system.go,
// so that everything else runs inside a test.
package cli
