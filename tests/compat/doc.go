// Command compat compares what others build on with the last release: the Go
// API of the public packages, the GraphQL schema, the OpenAPI document, and the
// JSON of the actions. It fails on a break that CHANGELOG.md does not announce
// under Unreleased, Breaking, by its identifier:
//
//	go run ./tests/compat                  what changed since the last release
//	go run ./tests/compat -release 1.2.3   Unreleased becomes 1.2.3, and the snapshot is taken anew
//
// What belongs here: how each of these is read and compared, and the snapshot of
// the last release (release/). What does not belong here: whether the present
// documents are right; the tests beside the transports hold them to the code.
package main
