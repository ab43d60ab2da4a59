package graphql

import "time"

// Hasty returns options whose streams wait for d only: for a greeting, and
// before they say that they are there.
func Hasty(o Options, d time.Duration) Options {
	o.greeting, o.beat = d, d
	return o
}
