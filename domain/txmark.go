package domain

import "context"

type txKey struct{}

// MarkTx marks a context as being inside a database transaction. It carries no
// transaction: it lets stores, adapters and fakes refuse (internal) what must
// not happen while one is open, such as a call over the network.
func MarkTx(ctx context.Context) context.Context { return context.WithValue(ctx, txKey{}, true) }

// InTx reports whether ctx is marked.
func InTx(ctx context.Context) bool { return ctx.Value(txKey{}) != nil }

// RefuseInTx returns an internal error when ctx is marked: op must not run
// inside a transaction. Else nil.
func RefuseInTx(ctx context.Context, op string) error {
	if InTx(ctx) {
		return &Error{Code: CodeInternal, Reason: "inside_transaction", Op: op}
	}
	return nil
}
