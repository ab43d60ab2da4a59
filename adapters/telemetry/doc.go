// Package telemetry makes traces and metrics of what the service does: one
// middleware for actions, one for HTTP, one hook for statements.
//
// What belongs here: OpenTelemetry and Prometheus. What does not: logs (slog,
// everywhere), the audit trail (service), and deciding anything.
package telemetry
