// Package oidc turns bearer tokens of an OpenID Connect issuer into actors.
//
// What belongs here: verifying a token (signature by the issuer's keys, which
// may change at any time, issuer, audience, times, algorithm) and reading an
// actor out of its claims by a mapping. What does not: HTTP (adapters/web), API
// keys (service), and what an actor may do (adapters/rbac).
package oidc
