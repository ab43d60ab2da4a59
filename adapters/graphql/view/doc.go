// Package view holds what the GraphQL schema shows and no action gives as it
// is: the image of the documented interface, nodes with their holders,
// connections, and the scalars.
//
// What belongs here: data, and how it is made of the domain's. What does not
// belong here: resolvers, and anything that asks the service.
package view
