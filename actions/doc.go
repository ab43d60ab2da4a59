// Package actions holds what can be asked of Wharf: one XAction and one XResult
// per operation, as plain data, with a Spec and a pure Validate.
//
// What belongs here: files <room>_<topic>.go, named like their handlers in
// package service. What does not: who asks (the actor travels in the context),
// I/O, and any rule that needs stored state. The JSON of an action is a wire
// format: fields are added, never renamed.
package actions
