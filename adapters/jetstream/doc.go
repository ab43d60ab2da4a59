// Package jetstream delivers tickets of background tasks over NATS JetStream,
// so that managers on many machines share the work.
//
// What belongs here: port.Tasks on one stream, and its coming back after NATS
// was gone. What does not: connections (the caller's), what a task does, and
// who has it: the database knows, and what is lost here is offered again.
//
// The stream WHARF_TASKS lies in memory. A ticket is a message with a subject of
// its own, wharf.task.<class>.<task>.<attempt>; the stream refuses a second one
// of the same subject until the first is worked off. Each class is a durable
// consumer, so bulk work never stands before interactive work. Messages carry no
// Nats-Msg-Id: JetStream would drop the ticket of a task that could not be taken
// and is offered again.
package jetstream
