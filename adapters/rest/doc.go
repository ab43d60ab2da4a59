// Package rest serves the actions of the catalogue over HTTP, and the progress
// of tasks as a stream of events.
//
// What belongs here: how an action is read from a request and a result, an
// error or an event is written to a response, and the OpenAPI document that
// tells about it. Every operation comes from service.Catalogue: nothing is
// written per action. What does not belong here: who calls (that is in the
// context before a request gets here), rules of any kind, which live behind the
// service's door, and the server with its TLS, CORS and timeouts.
package rest
