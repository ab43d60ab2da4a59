// Package web is the HTTP server around the transports: who calls, which request
// it is, how much of everything one may take, and whether the server is well.
//
// What belongs here: authentication of requests by the means it is given, request
// ids, limits on bodies, time and concurrency, health, and a shutdown in order.
// What does not: what requests mean (adapters/rest, adapters/graphql), and how
// tokens are verified (adapters/oidc, service).
package web
