// Package bunstore keeps the catalogue in Postgres or SQLite through bun: one
// query code for both.
//
// What belongs here: tables, queries, migrations, and the row filters that a
// scope means (scope.go). What does not: rules of the domain. Differences
// between the engines are small functions in dialect.go; everything else is
// tested on both by the contract suite in repositorytest.
package bunstore
