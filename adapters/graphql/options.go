package graphql

import (
	"cmp"
	"log/slog"
	"time"
)

// Options of the handler. Zero is the default in brackets.
type Options struct {
	// MaxImages is the largest answer of the query images (10000); for more it
	// fails and names images_page.
	MaxImages int
	// MaxDepth is how deep fields may lie in each other (15).
	MaxDepth int
	// MaxComplexity bounds what one operation may cost (50000): a field is 1, one
	// that calls an action 100, and what is below a list counts once for each
	// item that was asked for, below images 1000 times.
	MaxComplexity int
	MaxQuery      int   // bytes of the query's text (64 KiB)
	MaxTokens     int   // words of the query (4000)
	MaxFields     int   // fields that the query's text names (1000)
	MaxBody       int64 // bytes of a request, and of a message on a WebSocket (1 MiB)
	MaxStreams    int   // operations at once on one WebSocket (50)

	// HideSchema refuses introspection, and hints at names that were misspelled.
	HideSchema bool
	// Origins are host patterns of pages that may open a WebSocket, beside those
	// of the server's own host.
	Origins []string
	// Closing ends streams when it is closed; nil: only their clients do.
	Closing <-chan struct{}
	Logger  *slog.Logger // nil: silent

	greeting time.Duration // how long a WebSocket may take to introduce itself (10 s)
	beat     time.Duration // how often a silent stream says that it is there (15 s)
}

func (o Options) withDefaults() Options {
	o.MaxImages, o.MaxDepth = cmp.Or(o.MaxImages, 10_000), cmp.Or(o.MaxDepth, 15)
	o.MaxComplexity, o.MaxQuery = cmp.Or(o.MaxComplexity, 50_000), cmp.Or(o.MaxQuery, 64<<10)
	o.MaxTokens, o.MaxBody = cmp.Or(o.MaxTokens, 4000), cmp.Or(o.MaxBody, 1<<20)
	o.MaxFields = cmp.Or(o.MaxFields, 1000)
	o.MaxStreams = cmp.Or(o.MaxStreams, 50)
	o.greeting, o.beat = cmp.Or(o.greeting, 10*time.Second), cmp.Or(o.beat, 15*time.Second)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}
