// Package cache remembers things in the process for a moment.
//
// What belongs here: bounded memories behind ports, with their numbers. What does
// not: deciding what may be remembered (service), and anything that outlives the
// process.
package cache
