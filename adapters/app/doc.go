// Package app wires adapters into a running service: the store by URL, casbin,
// the registries and agents there are, and the keyring.
//
// What belongs here: which adapter serves which type, what adapters hear (nodes,
// requests) connected to actions, and defaults for the command, the demo, tests,
// and embedders who want them. What does not: rules.
package app
