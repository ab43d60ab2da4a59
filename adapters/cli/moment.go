package cli

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// parseMoment reads a time as people write one: RFC 3339, a date, a date and a
// time of the clock's zone, "now", or how long ago ("30d", "1d12h ago").
// Errors: invalid, reason time_invalid.
func parseMoment(s string, now time.Time) (time.Time, error) {
	s = strings.TrimSpace(s)
	if strings.EqualFold(s, "now") {
		return now, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	for _, form := range []string{"2006-01-02", "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(form, s, now.Location()); err == nil {
			return t, nil
		}
	}
	if d, ok := parseAge(strings.TrimSpace(strings.TrimSuffix(s, "ago"))); ok {
		return now.Add(-d), nil
	}
	return time.Time{}, domain.Invalid("time_invalid", "time", "a time is 2026-01-31, 2026-01-31T12:00:00Z, now, or how long ago, such as 30d: %s", domain.Quote(s))
}

// parseFuture reads a time that is to come: one that [parseMoment] knows, or how
// long from now ("12h", "in 1d12h"). Errors: invalid, reasons time_invalid and
// time_past.
func parseFuture(s string, now time.Time) (time.Time, error) {
	const forms = "2026-01-31, 2026-01-31T12:00:00Z, or how long from now, such as 12h"
	s = strings.TrimSpace(s)
	if d, ok := parseAge(strings.TrimSpace(strings.TrimPrefix(s, "in "))); ok && d > 0 {
		return now.Add(d), nil
	}
	t, err := parseMoment(s, now)
	if err != nil {
		return time.Time{}, domain.Invalid("time_invalid", "time", "a time to come is %s: %s", forms, domain.Quote(s))
	}
	if !t.After(now) {
		return time.Time{}, domain.Invalid("time_past", "time", "%s is over; a time to come is %s", domain.Quote(s), forms)
	}
	return t, nil
}

// parseAge reads a duration with days and weeks: w, d, h, m and s, each once.
func parseAge(s string) (time.Duration, bool) {
	m := regexp.MustCompile(`^(?:(\d{1,3})w)?(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?$`).FindStringSubmatch(s)
	if m == nil || s == "" {
		return 0, false
	}
	var d time.Duration
	for i, unit := range []time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second} {
		n, _ := strconv.Atoi(m[i+1]) // digits only, or none
		d += time.Duration(n) * unit
	}
	return d, true
}

// ago tells when something was, the way people say it; "-" for never.
func ago(now, t time.Time) string {
	d := now.Sub(t)
	switch {
	case t.IsZero():
		return none
	case d < -time.Minute:
		return t.In(now.Location()).Format("2006-01-02 15:04")
	case d < time.Minute:
		return "just now"
	}
	return long(d) + " ago"
}

// ahead tells when something will be; what is over, as [ago] does.
func ahead(now, t time.Time) string {
	switch d := t.Sub(now); {
	case t.IsZero() || d <= 0:
		return ago(now, t)
	case d < time.Minute:
		return "in a moment"
	default:
		return "in " + long(d)
	}
}

// long says a duration from a minute on in its largest unit.
func long(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Hour:
		return some(d, time.Minute, "minute")
	case d < day:
		return some(d, time.Hour, "hour")
	case d < 14*day:
		return some(d, day, "day")
	case d < 60*day:
		return some(d, 7*day, "week")
	case d < 730*day:
		return some(d, 30*day, "month")
	}
	return some(d, 365*day, "year")
}

func some(d, unit time.Duration, name string) string {
	return counted(int(d/unit), name)
}

// size shows bytes in units of 1024.
func size(n int64) string { return domain.BinarySize(n).String() }

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
