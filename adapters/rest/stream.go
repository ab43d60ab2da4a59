package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// reconnect is how long a browser waits before it connects again.
const reconnect = 3 * time.Second

// message is the data of an event.
type message struct {
	TaskID  domain.TaskID `json:"task_id"`
	Current int           `json:"current_progress"`
	Total   int           `json:"total_progress"`
	Message string        `json:"message"`
}

// stream writes an event stream. Every write has a deadline: a client that does
// not read is given up, and holds nobody up.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
}

func newStream(w http.ResponseWriter, timeout time.Duration) *stream {
	return &stream{w: w, control: http.NewResponseController(w), timeout: timeout}
}

// begin says what comes: nothing that anybody may store or hold back.
func (*stream) begin(h http.Header) {
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	h.Set("X-Content-Type-Options", "nosniff")
}

func (s *stream) retry() error {
	return s.write("retry: " + strconv.FormatInt(reconnect.Milliseconds(), 10) + "\n\n")
}

func (s *stream) keepAlive() error { return s.write(": keep-alive\n\n") }

// event sends one event; without a number it leaves the client's last one as it
// is.
func (s *stream) event(seq int64, name string, data message) error {
	body, err := json.Marshal(data)
	if err != nil {
		return err
	}
	id := ""
	if seq > 0 {
		id = fmt.Sprintf("id: %d\n", seq)
	}
	return s.write(fmt.Sprintf("%sevent: %s\ndata: %s\n\n", id, name, body))
}

func (s *stream) write(text string) error {
	err := s.control.SetWriteDeadline(time.Now().Add(s.timeout))
	if err != nil && !errors.Is(err, http.ErrNotSupported) { // some writers have no connection
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}
