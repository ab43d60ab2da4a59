// Package service is the core: ImageService, one method per action, behind one
// door that authenticates, authorizes, audits, limits and bounds every call.
//
// What belongs here: the door (door.go, middleware.go), the list of actions
// (catalogue.go), and handlers in files named like their actions. What does
// not: SQL, HTTP, casbin, registries and engines, which come in through ports.
// A handler never reads the actor, checks a permission, writes audit, or calls
// another action.
package service
