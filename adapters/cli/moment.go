package cli

import (
	"fmt"
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
	const day = 24 * time.Hour
	switch {
	case t.IsZero():
		return none
	case d < -time.Minute:
		return t.In(now.Location()).Format("2006-01-02 15:04")
	case d < time.Minute:
		return "just now"
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
	n := int(d / unit)
	if n == 1 {
		return "1 " + name + " ago"
	}
	return fmt.Sprintf("%d %ss ago", n, name)
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
