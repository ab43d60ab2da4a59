// Command mover pushes or fetches one image between an OCI layout and a registry
// on plain HTTP, with package transfer and nothing else: a process next to those
// of crane, skopeo and regctl in make bench-transfer.
//
// What belongs here: the least that makes a fair process. What does not:
// commands for people (adapters/cli).
package main
