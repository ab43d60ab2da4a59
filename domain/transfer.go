package domain

import "context"

// TransferKind is what a transfer event tells.
type TransferKind string

// The transfer events: a push or a pull begins, a layer moves, a container is
// saved, its commit begins and ends, a builder says something.
const (
	TransferPush           TransferKind = "push"
	TransferPull           TransferKind = "pull"
	TransferStep           TransferKind = "step"
	TransferSave           TransferKind = "save"
	TransferCommitStarted  TransferKind = "commit_started"
	TransferCommitFinished TransferKind = "commit_finished"
	TransferBuild          TransferKind = "build"
)

// TransferEvent is one event of an image on its way; what does not belong to
// its kind is empty.
type TransferEvent struct {
	Kind TransferKind `json:"kind"`
	Src  string       `json:"src,omitempty"` // push, pull, save, commits: where from
	Dst  string       `json:"dst,omitempty"`
	// LayerID names the layer of a step, as whoever moves it does: short ids for
	// engines, digests elsewhere.
	LayerID string `json:"layer_id,omitempty"`
	Status  string `json:"status,omitempty"`
	Current int64  `json:"current,omitempty"` // bytes
	Total   int64  `json:"total,omitempty"`   // bytes; 0: unknown
	Message string `json:"message,omitempty"`
}

// TransferSink takes the events of one transfer. A nil sink is silent. Calls come
// one at a time and must not block: whoever moves bytes waits for it, so the
// service gives one that drops what nobody takes in time. Steps of a layer come
// about ten times a second.
type TransferSink func(TransferEvent)

// Tell calls s unless it is nil.
func (s TransferSink) Tell(e TransferEvent) {
	if s != nil {
		s(e)
	}
}

type transferKey struct{}

// WithTransferSink returns a context whose transfers tell s what happens.
func WithTransferSink(ctx context.Context, s TransferSink) context.Context {
	return context.WithValue(ctx, transferKey{}, s)
}

// TransferSinkFrom returns the sink of ctx, nil when there is none.
func TransferSinkFrom(ctx context.Context) TransferSink {
	s, _ := ctx.Value(transferKey{}).(TransferSink)
	return s
}

// PushRequest asks a store of images for one to be sent to a registry.
type PushRequest struct {
	// Local is the image's name in the store, such as app:1; "" is the only image
	// of an archive.
	Local  string
	Remote Reference // where to; with a tag
	// Registry tells how to reach it, with its credentials. They go nowhere else.
	Registry Registry
	// Architecture picks one image of several; "" sends what the name stands for,
	// an index as a whole.
	Architecture string
}

// PushOutcome tells what a push did.
type PushOutcome struct {
	Digest    Digest // of the manifest or index that the tag names now
	SizeBytes int64  // of layers and configuration
	SentBytes int64  // that went out, of tries that failed too; 0 when all was there, -1 where the store cannot tell
	Unchanged bool   // the tag named it already
}

// FetchRequest asks a store of images to fetch one from a registry.
type FetchRequest struct {
	Remote   Reference
	Registry Registry
	// Manifest is the digest that is expected behind Remote; "" takes what is there.
	Manifest Digest
	// Architecture picks one image of several; "" is the store's own. A store of
	// files has none, and takes all that Remote names.
	Architecture string
	Local        string // the name that it gets in the store
}

// FetchOutcome tells what a fetch did.
type FetchOutcome struct {
	Digest        Digest // of the manifest or index behind the reference
	Config        Digest // of the image's configuration; "" for a whole index
	SizeBytes     int64
	ReceivedBytes int64 // -1 where the store cannot tell
	Unchanged     bool  // the store had it under that name
}
