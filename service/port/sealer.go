package port

// Sealer encrypts what must not be read from a database: registry passwords.
// The context string binds a sealed value to its row, so that it cannot be
// moved to another one.
type Sealer interface {
	Seal(plain, context string) (string, error)
	// Open reverses Seal. A value sealed with an unknown key, for another
	// context, or changed is an error with code internal, reason unseal_failed.
	Open(sealed, context string) (string, error)
}
