// Package fleet reaches agents on other machines over NATS. It has both ends:
// the node's, which puts any [port.Agent] on the network ([Serve]), and the
// manager's, which is a port.Agent again ([Opener]) and hears who is there
// ([Listen]). Nodes dial out; they open no port.
//
// What belongs here: subjects, frames, and what can go wrong between two
// machines. What does not: what a node does with an image (the agent that it
// serves), connections and their credentials (the caller's), and what the
// catalogue makes of a heartbeat (the callback's).
//
// # Trust
//
// An ask for a pull carries the credentials of its registry. The connection has
// to be TLS, or loopback, and NATS has to know every node and grant it no more
// than [Permissions]: then no node hears what another one is asked, answers for
// it, or says that it is gone. A manager publishes wharf.ask.> and
// wharf.note.>, and subscribes to wharf.reply.> and wharf.beat.>.
//
// # Protocol
//
// A node is one token of a subject: letters, digits, '_' and '-' stand for
// themselves, any other byte is '~' and two hexadecimal digits.
//
//	wharf.ask.<node>.<op>                manager: inventory, pull, remove; one process of a node takes it
//	wharf.reply.<node>.<manager>.<call>  node: the frames of the answer
//	wharf.note.<node>                    manager: how far an answer was read, or that nobody awaits it
//	wharf.beat.<node>                    node: I am here, with this inventory; or goodbye
//
// Messages are JSON and tell the version of the protocol. Each frame tells the
// call and how many frames with content (parts of an inventory, the outcome)
// were sent up to it, so that a lost one is noticed; progress and signs of life
// can get lost without harm. A node sends a few parts ahead of what was read, so
// that many large inventories at once do not flood a manager.
//
// A call ends with an outcome or a coded error, with its context, when the
// frames make no sense, or when none came for [Options.Silence]. A manager that
// stops waiting says so, and the node stops; a manager that dies does not, and
// the node finishes what it was asked: pulls can be repeated without harm.
package fleet
