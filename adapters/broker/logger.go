package broker

import (
	"context"
	"fmt"
	"log/slog"
)

// serverLog is the server's logger; what would end a process of its own is kept
// in fatal instead.
type serverLog struct {
	log   *slog.Logger
	fatal chan string // of length 1
}

func (l serverLog) write(level slog.Level, format string, v []any) {
	if l.log.Enabled(context.Background(), level) {
		l.log.Log(context.Background(), level, "nats server: "+fmt.Sprintf(format, v...))
	}
}

func (l serverLog) Noticef(format string, v ...any) { l.write(slog.LevelDebug, format, v) }
func (l serverLog) Warnf(format string, v ...any)   { l.write(slog.LevelWarn, format, v) }

// Errorf is mostly about clients: who breaks a rule, or leaves in the middle.
func (l serverLog) Errorf(format string, v ...any) { l.write(slog.LevelWarn, format, v) }
func (l serverLog) Debugf(string, ...any)          {}
func (l serverLog) Tracef(string, ...any)          {}

func (l serverLog) Fatalf(format string, v ...any) {
	select {
	case l.fatal <- fmt.Sprintf(format, v...):
	default:
	}
}
