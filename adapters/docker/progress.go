package docker

import (
	"github.com/moby/moby/api/types/jsonstream"

	"github.com/wharf-project/wharf/domain"
)

// meter adds up the layers of a pull. An engine tells of each layer by itself,
// begins again when a download fails, and learns of further layers on the way.
type meter struct {
	sink   domain.Progress
	layers map[string]*layer
	last   int64 // what was reported
}

type layer struct {
	current, total int64
}

func newMeter(p domain.Progress) *meter {
	p.Report(0, 0, "pulling")
	return &meter{sink: p, layers: map[string]*layer{}}
}

// message takes one line of the stream. Extraction is told in the same unit, but
// is the same bytes again.
func (m *meter) message(msg jsonstream.Message) {
	switch msg.Status {
	case "Downloading":
		if msg.Progress == nil || msg.ID == "" || msg.Progress.Total <= 0 {
			return
		}
		l := m.layers[msg.ID]
		if l == nil {
			l = &layer{}
			m.layers[msg.ID] = l
		}
		l.total = max(l.total, msg.Progress.Total)
		l.current = min(max(l.current, msg.Progress.Current), l.total)
	case "Download complete", "Pull complete":
		if l := m.layers[msg.ID]; l != nil {
			l.current = l.total
		}
	default:
		return
	}
	current, total := m.sum()
	if current >= m.last+max(total/100, 64<<10) {
		m.sink.Report(current, total, "pulling")
		m.last = current
	}
}

// done reports the end; size is for engines that told no bytes.
func (m *meter) done(size int64, text string) {
	_, total := m.sum()
	if total == 0 {
		total = size
	}
	m.sink.Report(total, total, text)
}

func (m *meter) sum() (current, total int64) {
	for _, l := range m.layers {
		current += l.current
		total += l.total
	}
	return current, total
}
