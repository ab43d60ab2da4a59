package rest

import (
	"context"
	"net/http"
	"reflect"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// operation is one action as it is served.
type operation struct {
	service.Entry
	shape      *shape
	parameters map[string]parameter // of GET

	revision   []int // where the action says which revision it changes; nil: it does not
	background []int // of a long action: where it asks for a task
	dryRun     []int
	row        []int // where the result has its one row with a revision; nil: none
	taskID     []int // where the result of a long action names its task
}

func newOperation(e service.Entry, memo shapes) *operation {
	o := &operation{
		Entry: e, shape: memo.of(e.Action),
		revision: fieldNamed(e.Action, "revision", reflect.TypeFor[int64]()),
		row:      rowOf(e.Result),
	}
	if e.Spec.Effect == actions.Read {
		o.parameters = parametersOf(e.Action, memo)
	}
	if e.Spec.Class != "" {
		o.background = fieldNamed(e.Action, "background", reflect.TypeFor[bool]())
		o.dryRun = fieldNamed(e.Action, "dry_run", reflect.TypeFor[bool]())
		o.taskID = fieldNamed(e.Result, "task_id", reflect.TypeFor[domain.TaskID]())
	}
	return o
}

// rowOf returns where a result has its row with a revision, nil when it has
// none or several.
func rowOf(result reflect.Type) []int {
	var found [][]int
	for _, f := range fieldsOf(result) {
		if isRow(f.typ) {
			found = append(found, f.index)
		}
	}
	if len(found) != 1 {
		return nil
	}
	return found[0]
}

// isRow reports whether a type is a row that is changed by revisions: what was
// made at some time, and counts its changes. The revision of an answer about the
// policy is none.
func isRow(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	revision, counts := t.FieldByName("Revision")
	_, made := t.FieldByName("CreatedAt")
	return counts && made && revision.Type.Kind() == reflect.Int64
}

// post serves an action that is the body of the request.
func (s *server) post(o *operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		doc, err := s.readBody(w, r)
		if err != nil {
			fail(w, err)
			return
		}
		s.run(r.Context(), w, r, o, doc)
	}
}

// get serves a read whose action is the query of the request.
func (s *server) get(o *operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		doc, err := documentOf(r.URL.RawQuery, o.parameters)
		if err != nil {
			fail(w, err)
			return
		}
		s.run(r.Context(), w, r, o, doc)
	}
}

// call is one request for an operation.
type call struct {
	*operation
	action    actions.Action
	matched   bool // the caller named the revision in a header
	async     bool // the task is in the action
	preferred bool // and that because the caller prefers it so
}

func (s *server) run(ctx context.Context, w http.ResponseWriter, r *http.Request, o *operation, doc []byte) {
	c := &call{operation: o, action: o.New()}
	if err := decode(doc, o.shape, c.action); err != nil {
		fail(w, err)
		return
	}
	ctx, err := c.read(ctx, r.Header)
	if err != nil {
		fail(w, err)
		return
	}
	result, err := o.Invoke(ctx, s.svc, c.action)
	s.tellRates(ctx, w.Header(), o.Spec.Effect)
	if err != nil {
		fail(w, c.translate(err))
		return
	}
	c.answer(w, r, result)
}

// read takes what the headers say into the action and the context. Errors:
// invalid.
func (c *call) read(ctx context.Context, h http.Header) (context.Context, error) {
	if c.Spec.Effect != actions.Read {
		key, err := idempotencyKey(h)
		if err != nil {
			return nil, err
		}
		if key != "" {
			ctx = domain.WithIdempotencyKey(ctx, key)
		}
		if err := c.readRevision(h); err != nil {
			return nil, err
		}
	}
	if c.background == nil {
		return ctx, nil
	}
	a := reflect.ValueOf(c.action).Elem()
	background := a.FieldByIndex(c.background)
	planned := c.dryRun != nil && a.FieldByIndex(c.dryRun).Bool() // told at once: a preference need not be followed
	if !background.Bool() && !planned && prefersAsync(h) {
		background.SetBool(true)
		c.preferred = true
	}
	c.async = background.Bool()
	return ctx, nil
}

func (c *call) readRevision(h http.Header) error {
	want, err := ifMatch(h)
	if err != nil || want == 0 {
		return err
	}
	if c.revision == nil {
		return domain.Invalid("header_invalid", "If-Match", "%s takes no If-Match: it cannot be bound to a revision", c.Spec.Name)
	}
	revision := reflect.ValueOf(c.action).Elem().FieldByIndex(c.revision)
	if n := revision.Int(); n != 0 && n != want {
		return domain.Invalid("header_invalid", "If-Match", "If-Match says revision %d, the body says %d", want, n)
	}
	revision.SetInt(want)
	c.matched = true
	return nil
}

// translate turns the conflict over a revision into the failed condition that
// it is for a caller who made it one.
func (c *call) translate(err error) error {
	if c.matched && domain.ReasonOf(err) == "revision_changed" {
		return domain.Errorf(domain.CodePrecondition, "revision_changed", domain.OnOf(err), "%s", domain.MessageOf(err))
	}
	return err
}
