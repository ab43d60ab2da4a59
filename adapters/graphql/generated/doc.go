// Package generated is the executable GraphQL schema that gqlgen makes of
// ../schema and ../gqlgen.yml.
//
// What belongs here: what make generate writes. What does not belong here:
// anything written by hand; resolvers are in package graphql.
package generated
