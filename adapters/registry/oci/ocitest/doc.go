// Package ocitest pushes the content of porttest's registry suite into real
// registries, so that adapters and integration tests can run it.
//
// What belongs here: building and pushing images for tests. What does not:
// registries (tests/containers starts them) and production code: only test
// files and tests/ import this package.
package ocitest
