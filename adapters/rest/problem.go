package rest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// statusClientClosed is what proxies log for a client that went away; net/http
// has no name for it.
const statusClientClosed = 499

// statuses is the one table of codes.
var statuses = map[domain.Code]int{
	domain.CodeInvalid:         http.StatusBadRequest,
	domain.CodeUnauthenticated: http.StatusUnauthorized,
	domain.CodeForbidden:       http.StatusForbidden,
	domain.CodeNotFound:        http.StatusNotFound,
	domain.CodeConflict:        http.StatusConflict,
	domain.CodePrecondition:    http.StatusPreconditionFailed,
	domain.CodeRateLimited:     http.StatusTooManyRequests,
	domain.CodeUnavailable:     http.StatusServiceUnavailable,
	domain.CodeCanceled:        statusClientClosed,
	domain.CodeTimeout:         http.StatusGatewayTimeout,
	domain.CodeInternal:        http.StatusInternalServerError,
}

// refusals are this transport's own reasons for which HTTP has a status that
// says more than the code.
var refusals = map[string]int{
	"method_not_allowed": http.StatusMethodNotAllowed,
	"body_slow":          http.StatusRequestTimeout,
	"body_too_large":     http.StatusRequestEntityTooLarge,
	"content_type":       http.StatusUnsupportedMediaType,
	"if_match":           http.StatusPreconditionFailed,
}

func statusOf(err error) int {
	if status, ok := refusals[domain.ReasonOf(err)]; ok {
		return status
	}
	if status, ok := statuses[domain.CodeOf(err)]; ok {
		return status
	}
	return http.StatusInternalServerError
}

// problemDetails is an error as RFC 9457 writes it, with what end users may
// know and nothing else.
type problemDetails struct {
	Type      string      `json:"type" doc:"urn:wharf:REASON, or about:blank when the code says it all"`
	Title     string      `json:"title" doc:"the status in words"`
	Status    int         `json:"status" doc:"the HTTP status"`
	Detail    string      `json:"detail" doc:"what is wrong and what to do, for people"`
	Code      domain.Code `json:"code" doc:"the kind of error"`
	Reason    string      `json:"reason" doc:"the stable name of the cause"`
	On        string      `json:"on,omitempty" doc:"the field or thing that it is about"`
	RequestID string      `json:"request_id,omitempty" doc:"what to name when asking the operator"`
}

func problemOf(err error, requestID string) problemDetails {
	p := problemDetails{
		Type: "about:blank", Status: statusOf(err), Detail: domain.MessageOf(err),
		Code: domain.CodeOf(err), Reason: domain.ReasonOf(err), On: domain.OnOf(err), RequestID: requestID,
	}
	if p.Reason != string(p.Code) {
		p.Type = "urn:wharf:" + p.Reason
	}
	if p.Title = http.StatusText(p.Status); p.Status == statusClientClosed {
		p.Title = "Client Closed Request"
	}
	return p
}

// fail answers with an error. What the caller set in the header stays, except
// for what described a result.
func fail(w http.ResponseWriter, err error) {
	h := w.Header()
	p := problemOf(err, h.Get("X-Request-Id"))
	h.Set("Content-Type", "application/problem+json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if wait := domain.RetryAfterOf(err); wait > 0 {
		h.Set("Retry-After", seconds(wait))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	body, _ := json.Marshal(p) // texts and a number: cannot fail
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // the client may be gone
}

// seconds rounds up: a client that comes back then is not too early.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
