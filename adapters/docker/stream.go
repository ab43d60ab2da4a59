package docker

import (
	"context"
	"iter"

	"github.com/moby/moby/api/types/jsonstream"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/wharf-project/wharf/domain"
)

// listener takes what an engine tells while it works; it is never nil.
type listener func(jsonstream.Message)

type messages interface {
	JSONMessages(ctx context.Context) iter.Seq2[jsonstream.Message, error]
}

// transfer listens to a pull or a push to its end. What goes wrong is told in
// the stream, after HTTP has said that all is well.
func (e *engine) transfer(ctx context.Context, t target, op string, stream messages, tell listener) error {
	for msg, err := range stream.JSONMessages(ctx) {
		switch {
		case err != nil:
			return e.translate(ctx, op, err)
		case msg.Error != nil:
			return e.registryError(ctx, t, op, msg.Error)
		}
		tell(msg)
	}
	if ctx.Err() != nil {
		return contextError(ctx, op)
	}
	return nil
}

// platforms is what an engine is asked for; none where it decides.
func platforms(architecture string) []ocispec.Platform {
	if architecture == "" {
		return nil
	}
	oci, variant := domain.OCIPlatform(architecture)
	return []ocispec.Platform{{OS: "linux", Architecture: oci, Variant: variant}}
}

// steps tells a sink of layers, and remembers whether any of them moved.
type steps struct {
	sink  domain.TransferSink
	tag   string // engines give it the place of a layer's id in their first line
	moved bool
}

func (s *steps) message(msg jsonstream.Message) {
	switch msg.Status {
	case "Pushing", "Pushed", "Downloading", "Download complete", "Pull complete":
		s.moved = true
	}
	if msg.ID == "" || msg.ID == s.tag {
		return
	}
	event := domain.TransferEvent{Kind: domain.TransferStep, LayerID: msg.ID, Status: msg.Status, Message: msg.ID + ": " + msg.Status}
	if p := msg.Progress; p != nil && p.Units == "" {
		event.Current, event.Total = max(p.Current, 0), max(p.Total, 0)
	}
	s.sink.Tell(event)
}

// bytes is what moved as outcomes tell it. An engine tells bytes of some layers
// only, and of a push those before compression.
func (s *steps) bytes() int64 {
	if s.moved {
		return -1
	}
	return 0
}
