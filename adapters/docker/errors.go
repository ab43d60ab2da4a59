package docker

import (
	"cmp"
	"context"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/wharf-project/wharf/domain"
)

// Reasons of errors; callers may rely on them. The registry's are those of
// port.Registry.
const (
	reasonUnreachable = "agent_unavailable"       // unavailable: the engine does not answer
	reasonFailed      = "agent_failed"            // unavailable: it answers with a failure
	reasonStorage     = "agent_storage"           // unavailable: its disk is full
	reasonUnsupported = "agent_unsupported"       // precondition: its API is too old, or lacks what is needed
	reasonTLS         = "agent_tls"               // precondition: the certificates for it, or its own, cannot be used
	reasonSSH         = "agent_ssh"               // precondition: its host or the user's key is not known there, or docker is not
	reasonRegistry    = "registry_failed"         // unavailable: the engine does not reach the registry
	reasonMalformed   = "registry_malformed"      // unavailable: what the registry sent makes no sense to it
	reasonLimited     = "registry_limited"        // rate_limited
	reasonCredentials = "registry_credentials"    // precondition: the registry refuses the credentials
	reasonMismatch    = "digest_mismatch"         // precondition: content is not what was promised
	reasonPlatform    = "platform_mismatch"       // precondition: the image is for another platform
	reasonNotImage    = "not_an_image"            // precondition: it is an artifact of another kind
	reasonNoTag       = "tag_not_found"           // not_found
	reasonNoRepo      = "repository_not_found"    // not_found
	reasonNoArch      = "architecture_not_found"  // not_found
	reasonInUse       = "image_in_use"            // conflict
	reasonNoImage     = "image_not_found"         // not_found
	reasonDenied      = "push_denied"             // forbidden: the registry knows who asks, and refuses
	reasonBuild       = "build_failed"            // precondition: with the last lines that it said
	reasonSource      = "build_source_invalid"    // invalid: none that a build can have
	reasonUnreadable  = "build_source_unreadable" // precondition; not_found has build_source_not_found
	reasonTemplate    = "build_template_invalid"  // invalid: it would not be the image that it says
	reasonRunning     = "container_running"       // conflict: it has to be stopped first
	reasonContainer   = "container_invalid"       // invalid: not an id of a container
	reasonStore       = "store_invalid"           // invalid: not an address of a local engine
	reasonNoEngine    = "engine_unavailable"      // unavailable: the local engine does not answer
)

// translate is the border between the client's errors and the port's.
func (e *engine) translate(ctx context.Context, op string, err error) error {
	if coded, ok := errors.AsType[*domain.Error](err); ok {
		return coded
	}
	if ctx.Err() != nil {
		return contextError(ctx, op)
	}
	if errdefs.IsInvalidArgument(err) && strings.Contains(err.Error(), "client version ") {
		e.renew()
	}
	out := &domain.Error{Code: domain.CodeUnavailable, Reason: reasonFailed, On: e.on, Message: "the agent's engine failed", Op: "docker: " + op, Err: err}
	reason, message := refused(err)
	switch {
	case reason != "":
		out.Code, out.Reason, out.Message = domain.CodePrecondition, reason, message
	case full(err.Error()):
		out.Reason, out.Message = reasonStorage, "the agent has no space left"
	case gone(err):
		out.Reason, out.Message = reasonUnreachable, "the agent's engine does not answer"
		if e.local {
			out.Reason, out.Message = reasonNoEngine, "no container engine answers at "+e.on+"; start it, or set DOCKER_HOST to the address of another one"
		}
	}
	return out
}

// gone tells an engine that cannot be reached, or died while it spoke.
func gone(err error) bool {
	return client.IsErrConnectionFailed(err) || errors.Is(err, io.ErrUnexpectedEOF)
}

// saying is what the engine repeats of a registry's answer, and what it means.
// Every text holds a space, so that no name of an image can look like it.
type saying struct {
	texts  []string
	code   domain.Code
	reason string
	format string // of the registry's name
}

// sayings are in the order of their weight: an error often repeats another.
func sayings() []saying {
	return []saying{
		{[]string{"toomanyrequests: ", "too many requests", "429 Too Many"}, domain.CodeRateLimited, reasonLimited, "the registry %s asks to wait"},
		{[]string{"unauthorized: ", "denied: ", "no basic auth credentials", "pull access denied", "401 Unauthorized", "403 Forbidden", "authentication required", "incorrect username or password"},
			domain.CodePrecondition, reasonCredentials, "the registry %s refuses the stored credentials"},
		{[]string{"no space left on device"}, domain.CodeUnavailable, reasonStorage, "the agent has no space left for an image of %s"},
		{[]string{"verification failed for digest", "failed commit on ref", "does not match provided digest"}, domain.CodePrecondition, reasonMismatch, "the registry %s sent other content than it promised"},
		{[]string{"no matching manifest for", "no image found in manifest list", "no image found in image index", "no match for platform"}, domain.CodeNotFound, reasonNoArch, "the registry %s has no such architecture of the image"},
		{[]string{"invalid character ", "unexpected end of JSON", "error parsing HTTP", "unknown blob", "blob unknown"}, domain.CodeUnavailable, reasonMalformed, "the answer of the registry %s makes no sense"},
		{[]string{"name unknown"}, domain.CodeNotFound, reasonNoRepo, "the registry %s has no such repository"},
		{[]string{"manifest unknown", ": not found", "not found: "}, domain.CodeNotFound, reasonNoTag, "the registry %s has no such image"},
		{[]string{"when fetching image or plugin", "unsupported media type", "mediatype in manifest", "invalid rootfs in image configuration", "unsupported image-specific operation"},
			domain.CodePrecondition, reasonNotImage, "what the registry %s has is not a container image"},
	}
}

// pushSayings are those of a push. A registry that knows who asks and does not
// let them push is not one that refuses the credentials; most say "denied", and
// those that are read only that they do not support it.
func pushSayings() []saying {
	return slices.Insert(sayings(), 1,
		saying{[]string{"does not exist locally with the tag"}, domain.CodeNotFound, reasonNoImage, "the image went away while it was pushed to the registry %s"},
		saying{[]string{"unauthorized: ", "no basic auth credentials", "401 Unauthorized", "authentication required", "incorrect username or password"},
			domain.CodePrecondition, reasonCredentials, "the registry %s refuses the stored credentials"},
		saying{[]string{"denied: ", "403 Forbidden", "access to the resource is denied", "unsupported: ", "The operation is unsupported", "405 Method Not Allowed"},
			domain.CodeForbidden, reasonDenied, "the registry %s does not let this image be pushed"},
	)
}

// registryError translates what the engine says of a registry. With HTTP 200 or
// not, its text is all there is.
func (e *engine) registryError(ctx context.Context, t target, op string, err error) error {
	if ctx.Err() != nil || gone(err) {
		return e.translate(ctx, op, err)
	}
	said, format := sayings(), "the agent cannot pull from the registry %s"
	if op == "push" {
		said, format = pushSayings(), "the agent cannot push to the registry %s"
	}
	out := domain.Errorf(domain.CodeUnavailable, reasonRegistry, t.registry, format, t.registry)
	text := spelledOut(err.Error())
	for _, s := range said {
		if containsAny(text, s.texts) {
			out = domain.Errorf(s.code, s.reason, t.registry, s.format, t.registry)
			break
		}
	}
	switch {
	case out.Code == domain.CodeNotFound:
		out.On = t.canonical
	case out.Reason == reasonMismatch:
		out.On = cmp.Or(digestForm.FindString(text), t.registry)
	}
	out.Op, out.Err = "docker: "+op, err
	return out
}

// digestForm finds the digest that content did not have: an engine names it
// before the one that it has.
var digestForm = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

// spelledOut ends each line that is nothing but a code of a registry's error with
// a colon and a blank: so are those with a message told, and an engine leaves out
// the usual message of a code.
func spelledOut(text string) string {
	lines := strings.Split(strings.TrimPrefix(text, "Error response from daemon: "), "\n")
	for i, line := range lines {
		if line != "" && !strings.ContainsAny(line, " /:.") {
			lines[i] += ": "
		}
	}
	return strings.Join(lines, "\n")
}

func containsAny(s string, texts []string) bool {
	for _, t := range texts {
		if strings.Contains(s, t) {
			return true
		}
	}
	return false
}

func full(text string) bool { return strings.Contains(text, "no space left on device") }

// contextError says that ctx ended; CodeOf knows both ways.
func contextError(ctx context.Context, op string) error {
	return &domain.Error{Code: domain.CodeOf(ctx.Err()), Op: "docker: " + op, Err: ctx.Err()}
}
