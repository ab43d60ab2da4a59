// Package port holds the interfaces through which the service reaches what is
// outside it: registries, agents, authorization, rate limits, sealing, tenancy.
//
// What belongs here: one file per port with its optional abilities, which are
// interfaces found by assertion. What does not: implementations (adapters/…),
// persistence (package repository), and fakes and contract suites (porttest).
package port
