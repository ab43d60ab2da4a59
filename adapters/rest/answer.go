package rest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strconv"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// answer writes a result.
func (c *call) answer(w http.ResponseWriter, r *http.Request, result any) {
	body, err := json.Marshal(result)
	if err != nil {
		fail(w, domain.Internal("rest", err))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if tag := c.tag(result, body); tag != "" {
		h.Set("ETag", tag)
		if r.Method != http.MethodPost {
			h.Set("Cache-Control", "private, no-cache") // keep it, but ask
			if noneMatch(r.Header, tag) {
				h.Del("Content-Type")
				w.WriteHeader(http.StatusNotModified)
				return
			}
		}
	}
	status := http.StatusOK
	if id := c.task(result); id != "" {
		status = http.StatusAccepted
		h.Set("Location", pathOf("task.get")+"?task_id="+url.QueryEscape(string(id)))
		if c.preferred {
			h.Set("Preference-Applied", "respond-async")
		}
	}
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client may be gone
}

// tag is the entity tag of a result: the revision of its row. A read shows more
// than the row, which changes without it (aliases, nodes that hold an image), so
// that its tag has a fingerprint of everything as well.
func (c *call) tag(result any, body []byte) string {
	if c.row == nil {
		return ""
	}
	revision := reflect.ValueOf(result).FieldByIndex(c.row).FieldByName("Revision").Int()
	if revision < 1 {
		return ""
	}
	tag := strconv.FormatInt(revision, 10)
	if c.Spec.Effect == actions.Read {
		sum := sha256.Sum256(body)
		tag += "-" + hex.EncodeToString(sum[:8])
	}
	return `"` + tag + `"`
}

// task is the id of the task that works the action off, "" when it is done.
func (c *call) task(result any) domain.TaskID {
	if !c.async || c.taskID == nil {
		return ""
	}
	return domain.TaskID(reflect.ValueOf(result).FieldByIndex(c.taskID).String())
}

// tellRates says what is left of the caller's rate limit.
func (s *server) tellRates(ctx context.Context, h http.Header, e actions.Effect) {
	if s.o.Rates == nil {
		return
	}
	limit, remaining, reset, ok := s.o.Rates(ctx, e)
	if !ok {
		return
	}
	h.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(remaining, 0)))
	h.Set("X-RateLimit-Reset", seconds(max(reset, 0)))
}
