// Package transfertest makes images for tests of what moves them, puts them into
// layouts, archives and registries, and looks at what is there, all with
// go-containerregistry and nothing of package transfer.
//
// What belongs here: what tests of that package and of tests/ share. What does
// not: assertions of a single test.
package transfertest
