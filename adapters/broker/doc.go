// Package broker is the NATS server or connection that the managers and nodes
// of one installation share: embedded, served by one manager of a directory
// at a time while the others wait to take over, or a cluster of its own.
//
// What belongs here: who serves, who may connect as what, TLS, keys, and
// connections that come back by themselves. What does not: subjects and
// messages, which the packages that use the connection know.
//
// # Embedded
//
// A directory holds a lock, the address, and the managers' key. Whoever has the
// lock serves; when it ends, however it ends, another process of the directory
// serves on the same address, and every connection comes back by itself. What
// JetStream held is gone then: it lives in memory, for users that can lose it.
//
// Everybody connects with an NKey. Managers have full rights. A node has those
// that Config.Permissions gives to the agent that Config.Nodes says it is, and a
// node that Nodes no longer knows is disconnected within seconds.
//
// # A cluster of its own
//
// Its configuration does what the embedded server does by callbacks: an account
// with JetStream, managers with full rights in it, and per node
//
//	{ nkey: UNODE..., permissions: {
//	    publish:   { allow: [...] }
//	    subscribe: { allow: [...] }
//	} }
//
// with the subjects that the user of the connection names, for the node's own
// agent and no other, without _INBOX.> and $JS.>: both would let it read what
// others are told.
package broker
