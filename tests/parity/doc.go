// Package parity holds the tests of what all transports have in common: one list
// of cases that goes through the Go API, REST, GraphQL and the command line, in
// this process and at a server, and has to end the same everywhere.
//
// What belongs here: cases for every action, what nobody may learn of another
// tenant by any transport, and input that means harm to a whole server. What
// does not belong here: what one transport does in its own way, which is tested
// beside it.
package parity
