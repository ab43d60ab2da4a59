// Package graphql serves the catalogue of actions as GraphQL: the documented
// interface to the letter (schema/page.graphql), and beyond it one field for
// each action. Queries and mutations travel over HTTP, subscriptions over
// server-sent events and WebSocket.
//
// What belongs here: the schema, resolvers that turn arguments into actions and
// results into nodes, the transports, and the bounds on what a query may ask
// for. What does not belong here: decisions. Who may do what is the service's,
// and who calls is found out before a request comes here.
package graphql

//go:generate go run github.com/99designs/gqlgen generate
