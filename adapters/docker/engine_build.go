package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"

	"github.com/wharf-project/wharf/domain"
)

// buildSpec is what a build is to end with, and what it may use.
type buildSpec struct {
	name         string // canonical
	architecture string
	labels       map[string]string
	auths        map[string]registry.AuthConfig // by host, as FROM lines name it
}

// buildAuths are the credentials of one registry and nothing else. A registry
// that is reached under another host has none for FROM lines: the engine would
// send them to the host of the name.
func buildAuths(r domain.Registry) (map[string]registry.AuthConfig, error) {
	host, err := pullHost(r)
	if err != nil || r.Username == "" || host != r.Name {
		return nil, err
	}
	if isHub(host) {
		host = "https://index.docker.io/v1/" // as engines call it
	}
	return map[string]registry.AuthConfig{host: {Username: r.Username, Password: r.Password.Reveal(), ServerAddress: host}}, nil
}

// build makes the engine build what it reads as a tar archive. The image gets no
// name here.
func (e *engine) build(ctx context.Context, spec buildSpec, archive io.Reader, log *buildLog) error {
	res, err := e.api().ImageBuild(ctx, archive, client.ImageBuildOptions{
		Version: build.BuilderV1, Remove: true, ForceRemove: true,
		Labels: spec.labels, AuthConfigs: spec.auths, Platforms: platforms(spec.architecture),
	})
	if err != nil {
		return e.buildError(ctx, spec, err, log)
	}
	defer res.Body.Close()
	for lines := json.NewDecoder(res.Body); ; {
		var msg jsonstream.Message
		switch err := lines.Decode(&msg); {
		case errors.Is(err, io.EOF):
			if ctx.Err() != nil {
				return contextError(ctx, "build")
			}
			return nil
		case err != nil:
			return e.translate(ctx, "build", err)
		case msg.Error != nil:
			return e.buildError(ctx, spec, msg.Error, log)
		}
		log.message(msg)
	}
}

// buildError tells a build that failed from an engine that does. The engine says
// so of a Dockerfile that it does not like before it says anything else.
func (e *engine) buildError(ctx context.Context, spec buildSpec, err error, log *buildLog) error {
	answered := errdefs.IsInvalidArgument(err) || errdefs.IsNotFound(err) || errdefs.IsInternal(err) || errdefs.IsUnknown(err)
	_, inStream := errors.AsType[*jsonstream.Error](err)
	if out := e.translate(ctx, "build", err); ctx.Err() != nil || domain.ReasonOf(out) != reasonFailed || !answered && !inStream {
		return out
	}
	log.flush()
	out := domain.Errorf(domain.CodePrecondition, reasonBuild, spec.name, "the build failed: %s", strings.Join(append(log.last, readable(err.Error())), "\n"))
	out.Op, out.Err = "docker: build", err
	return out
}

// How much of what a build says is kept: lines for its error, and the length of
// one, after which it is cut.
const (
	lastLines   = 10
	longestLine = 2 << 10
)

// buildLog tells a sink the lines of a build, and keeps the last ones.
type buildLog struct {
	sink domain.TransferSink
	id   string // of the image, once it is there
	last []string
	part []byte // of a line that has no end yet
}

func (l *buildLog) message(msg jsonstream.Message) {
	if msg.Aux != nil {
		var said build.Result
		if json.Unmarshal(*msg.Aux, &said) == nil && said.ID != "" {
			l.id = idOf(said.ID)
		}
	}
	if msg.ID != "" { // a layer of a base image
		(&steps{sink: l.sink}).message(msg)
		return
	}
	text := []byte(msg.Stream)
	if msg.Status != "" {
		text = []byte(msg.Status + "\n")
	}
	for len(text) > 0 {
		line, rest, ends := bytes.Cut(text, []byte("\n"))
		l.part = append(l.part, line[:min(len(line), longestLine-min(len(l.part), longestLine))]...)
		if text = rest; ends {
			l.flush()
		}
	}
}

// flush tells the line that is there.
func (l *buildLog) flush() {
	line := strings.TrimSpace(readable(string(l.part)))
	if l.part = nil; line == "" {
		return
	}
	if l.last = append(l.last, line); len(l.last) > lastLines {
		l.last = l.last[1:]
	}
	l.sink.Tell(domain.TransferEvent{Kind: domain.TransferBuild, Message: line})
}

// readable takes away what could play tricks on a terminal: build steps say what
// they like.
func readable(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), longestLine)], "")
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, s)
}
