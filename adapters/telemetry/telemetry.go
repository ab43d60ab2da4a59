package telemetry

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/extra/bunotel"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// Config says where traces go.
type Config struct {
	// Endpoint is an OTLP/HTTP collector, such as http://localhost:4318; "": no
	// traces are made.
	Endpoint string
	Version  string // of the program
}

// Telemetry holds the instruments of one process. It is safe for concurrent
// use.
type Telemetry struct {
	registry *prometheus.Registry
	actions  *prometheus.CounterVec
	took     *prometheus.HistogramVec
	running  *prometheus.GaugeVec

	tracers  trace.TracerProvider
	tracer   trace.Tracer
	shutdown func(context.Context) error
}

// New makes the instruments. It contacts nobody: an absent collector costs its
// traces only. Errors: invalid for an endpoint that is none.
func New(ctx context.Context, c Config) (*Telemetry, error) {
	t := &Telemetry{
		registry: prometheus.NewRegistry(),
		actions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wharf_actions_total", Help: "Actions by name and how they ended.",
		}, []string{"action", "code"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "wharf_action_seconds", Help: "How long actions took.", Buckets: []float64{.001, .005, .02, .1, .5, 2, 10, 60, 600},
		}, []string{"action"}),
		running: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "wharf_actions_running", Help: "Actions under way."}, []string{"action"}),
		tracers: noop.NewTracerProvider(), shutdown: func(context.Context) error { return nil },
	}
	t.registry.MustRegister(t.actions, t.took, t.running,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if c.Endpoint != "" {
		if !strings.HasPrefix(c.Endpoint, "http://") && !strings.HasPrefix(c.Endpoint, "https://") {
			return nil, domain.Invalid("config_invalid", "otlp_endpoint", "the collector is a URL such as http://localhost:4318, not %s", domain.Quote(c.Endpoint))
		}
		exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(strings.TrimSuffix(c.Endpoint, "/")+"/v1/traces"))
		if err != nil {
			return nil, domain.Internal("telemetry", err)
		}
		provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "wharf"), attribute.String("service.version", c.Version))))
		t.tracers, t.shutdown = provider, provider.Shutdown
	}
	t.tracer = t.tracers.Tracer("wharf")
	return t, nil
}

// Close sends what was not sent yet, for as long as ctx allows.
func (t *Telemetry) Close(ctx context.Context) error { return t.shutdown(ctx) }

// Gauge adds a number that is read whenever metrics are asked for.
func (t *Telemetry) Gauge(name, help string, read func() float64) {
	t.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
}

// Action observes every call of the service. Its labels are closed sets: names
// of actions and codes, nothing of a user's.
func (t *Telemetry) Action() service.Middleware {
	return func(next service.Invoke) service.Invoke {
		return func(ctx context.Context, c *service.Call) error {
			ctx, span := t.tracer.Start(ctx, c.Spec.Name)
			defer span.End()
			running := t.running.WithLabelValues(c.Spec.Name)
			running.Inc()
			defer running.Dec()
			start := time.Now()
			err := next(ctx, c)
			code := "ok"
			if err != nil {
				code = string(domain.CodeOf(err))
				span.SetStatus(codes.Error, code)
				span.SetAttributes(attribute.String("wharf.reason", domain.ReasonOf(err)))
			}
			if span.IsRecording() {
				span.SetAttributes(attribute.String("wharf.actor", string(c.Actor.ID)), attribute.String("wharf.request_id", c.RequestID))
			}
			t.actions.WithLabelValues(c.Spec.Name, code).Inc()
			t.took.WithLabelValues(c.Spec.Name).Observe(time.Since(start).Seconds())
			return err
		}
	}
}

// HTTP observes requests, and goes on with the trace of a caller that has one.
func (t *Telemetry) HTTP(next http.Handler) http.Handler {
	return otelhttp.NewHandler(next, "http", otelhttp.WithTracerProvider(t.tracers), otelhttp.WithMeterProvider(metricnoop.NewMeterProvider()),
		otelhttp.WithPropagators(propagation.TraceContext{}),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method }))
}

// Statements observes SQL: the text with its placeholders, never the values.
func (t *Telemetry) Statements() bun.QueryHook {
	return bunotel.NewQueryHook(bunotel.WithTracerProvider(t.tracers), bunotel.WithMeterProvider(metricnoop.NewMeterProvider()))
}

// Metrics serves the numbers in Prometheus' form.
func (t *Telemetry) Metrics() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{Registry: t.registry})
}
