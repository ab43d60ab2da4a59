package rest

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// bodyTimeout is how long a client may take to send a body.
const bodyTimeout = 30 * time.Second

// readBody reads the JSON of an action. Errors: invalid for another type of
// content and for too much of it, timeout for a client that is too slow,
// canceled for one that is gone.
func (s *server) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset, given := params["charset"]; err != nil || media != "application/json" || given && !strings.EqualFold(charset, "utf-8") {
		return nil, domain.Invalid("content_type", "Content-Type", "send JSON, and say so: Content-Type: application/json")
	}
	return s.readAll(w, r)
}

// readAll is readBody for whatever the client calls it.
func (s *server) readAll(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, domain.Invalid("content_type", "Content-Encoding", "send the body as it is, without Content-Encoding")
	}
	if r.ContentLength > s.o.MaxBody {
		return nil, s.tooLarge()
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout)) // not every writer can
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.o.MaxBody))
	_ = control.SetReadDeadline(time.Time{})
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, s.tooLarge()
	}
	switch {
	case err == nil:
		return body, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, domain.Errorf(domain.CodeTimeout, "body_slow", "body", "the body did not arrive within %s", bodyTimeout)
	}
	return nil, &domain.Error{Code: domain.CodeCanceled, Reason: "body_cut_off", On: "body", Message: "the body was cut off", Err: err}
}

func (s *server) tooLarge() error {
	return domain.Invalid("body_too_large", "body", "a body has at most %d bytes", s.o.MaxBody)
}
