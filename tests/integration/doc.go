// Package integration runs whole workflows and contract suites on real engines:
// Postgres and OCI registries in containers, nodes on disk.
//
// What belongs here: what needs an engine that package containers gives. What
// does not: rules that a fake shows as well (service), and dialects of SQL
// (bunstore). Without an engine the tests skip, unless REQUIRE_CONTAINERS=1.
package integration
