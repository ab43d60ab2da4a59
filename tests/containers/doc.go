// Package containers says where the engines that tests run against come from.
//
// Each engine is looked for in the same order: an environment variable that names a running one, then a container
// started through testcontainers, then the test is skipped; with REQUIRE_CONTAINERS=1 it fails instead, so that
// green never means "skipped". Images come from Docker Hub or, where that is out of reach, are built from Debian
// packages and Go modules (see images.go, and ./build to build them ahead of time). Second engines, Podman and sshd run
// as processes of this machine (see own_process.go).
//
// What tests do with an engine does not belong here, nor do fakes: those live beside the port they stand for.
package containers
