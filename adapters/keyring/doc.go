// Package keyring seals what must not be read from a database, with AES-256-GCM
// and keys from the environment or from a file.
//
// What belongs here: port.Sealer, keys and their rotation. What does not: where
// sealed values are stored, and any key of its own: without one nothing is
// sealed.
package keyring
