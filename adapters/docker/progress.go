package docker

import (
	"time"

	"github.com/moby/moby/api/types/jsonstream"

	"github.com/wharf-project/wharf/domain"
)

// meter adds up the layers of a pull. An engine tells of each layer by itself,
// goes on or begins again after a download that broke, and learns of further
// layers on the way.
//
// Half of a byte is counted when it has arrived and half when it is unpacked, so
// that what is reported grows in both, and reaches the compressed size at the
// end. Nothing else makes it grow: not that the engine waits, tries again,
// verifies, or counts seconds.
type meter struct {
	sink   domain.Progress
	layers map[string]*layer
	last   int64 // what was reported
	when   time.Time
}

// layer counts compressed bytes.
type layer struct {
	arrived, unpacked, total int64

	// of what the engine fetches now: how many had arrived when it began, how
	// many it is to fetch, and how many of those it has
	before, size, fetched int64
}

// What is worth a report: so many bytes, a hundredth of all, or any bytes when
// the last report is this old. A slow pull is told from one that stands still.
const (
	reportBytes = 64 << 10
	reportAfter = time.Second
)

func newMeter(p domain.Progress) *meter {
	p.Report(0, 0, "pulling")
	return &meter{sink: p, layers: map[string]*layer{}, when: time.Now()}
}

// message takes one line of the stream.
func (m *meter) message(msg jsonstream.Message) {
	if !m.count(msg) {
		return
	}
	current, total := m.sum()
	if current == m.last || current < m.last+max(total/100, reportBytes) && time.Since(m.when) < reportAfter {
		return
	}
	m.sink.Report(current, total, "pulling")
	m.last, m.when = current, time.Now()
}

// count adds a line to its layer; false when it tells no bytes.
func (m *meter) count(msg jsonstream.Message) bool {
	l := m.layers[msg.ID]
	switch msg.Status {
	case "Downloading", "Extracting":
		p := msg.Progress
		if p == nil || p.Current <= 0 || p.Units != "" || msg.ID == "" {
			return false
		}
		if l == nil {
			l = &layer{}
			m.layers[msg.ID] = l
		}
		if msg.Status == "Downloading" {
			l.fetch(p.Current, max(p.Total, 0))
		} else {
			l.unpack(p.Current, p.Total)
		}
	case "Download complete":
		if l != nil {
			l.arrived = l.total
		}
	case "Pull complete":
		if l != nil {
			l.arrived, l.unpacked = l.total, l.total
		}
	}
	return l != nil
}

// fetch notes n of size bytes; size is 0 when the registry does not tell. What
// is fetched after a download that broke, whether the rest or all of it again,
// is spread over what was missing. That all is there is believed when the engine
// has verified it: of a download that broke it says so, too.
func (l *layer) fetch(n, size int64) {
	l.total = max(l.total, size)
	if size > 0 && n >= size {
		return
	}
	if n < l.fetched || size != l.size {
		l.before, l.size = l.arrived, size
	}
	l.fetched = n
	if size == 0 {
		l.total = max(l.total, l.before+n)
		l.arrived = max(l.arrived, min(l.before+n, l.total))
		return
	}
	share := float64(n) / float64(size)
	l.arrived = max(l.arrived, l.before+int64(share*float64(l.total-l.before)))
}

func (l *layer) unpack(n, size int64) {
	l.total = max(l.total, size)
	l.arrived, l.unpacked = l.total, max(l.unpacked, min(n, l.total))
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
		current += l.arrived + l.unpacked
		total += l.total
	}
	return current / 2, total
}
