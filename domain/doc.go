// Package domain holds what Wharf is about: images, references, aliases,
// registries, agents, limits, actors, grants, and the rules over them.
//
// What belongs here: entities, value objects, pure rules, the one error type,
// and identifiers. What does not: I/O, SQL, HTTP, and any import beyond the
// standard library (tests/arch checks it). Clocks and contexts come from callers.
package domain
