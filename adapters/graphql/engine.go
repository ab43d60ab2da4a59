package graphql

import (
	"context"
	"encoding/json"
	"log/slog"
	"reflect"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/wharf-project/wharf/adapters/graphql/generated"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// engine makes responses of requests, whatever brought them here.
type engine struct {
	exec   *executor.Executor
	schema *ast.Schema
	rules  *rules.Rules
	limits Options
	log    *slog.Logger
}

// request is one operation as clients send it.
type request struct {
	Query         *string        `json:"query"`
	OperationName string         `json:"operationName"`
	Variables     map[string]any `json:"variables"`
	Extensions    map[string]any `json:"extensions"` // nothing here reads them
}

func newEngine(svc *service.ImageService, o Options) *engine {
	r := &resolver{svc: svc, maxImages: o.MaxImages}
	es := generated.NewExecutableSchema(generated.Config{Resolvers: r})
	r.types = es.Schema().Types
	e := &engine{exec: executor.New(es), schema: es.Schema(), rules: rules.NewDefaultRules(), limits: o, log: o.Logger}
	e.exec.SetErrorPresenter(e.present)
	e.exec.SetRecoverFunc(e.recovered)
	e.rules.RemoveRule(rules.MaxIntrospectionDepth.Name) // visits fragments again and again; the gauge counts instead
	if o.HideSchema {
		for _, silent := range []struct{ name, rule core.Rule }{
			{rules.FieldsOnCorrectTypeRule, rules.FieldsOnCorrectTypeRuleWithoutSuggestions},
			{rules.KnownArgumentNamesRule, rules.KnownArgumentNamesRuleWithoutSuggestions},
			{rules.KnownTypeNamesRule, rules.KnownTypeNamesRuleWithoutSuggestions},
			{rules.ValuesOfCorrectTypeRule, rules.ValuesOfCorrectTypeRuleWithoutSuggestions},
		} {
			e.rules.ReplaceRule(silent.name.Name, silent.rule.RuleFunc)
		}
	}
	return e
}

// prepare reads, checks and measures an operation. Its errors are of the
// request: nothing was run.
func (e *engine) prepare(ctx context.Context, r request) (_ *graphql.OperationContext, errs gqlerror.List) {
	defer func() {
		if p := recover(); p != nil {
			errs = e.refuse(ctx, e.recovered(ctx, p))
		}
	}()
	if len(*r.Query) > e.limits.MaxQuery {
		return nil, e.refuse(ctx, domain.Invalid("query_too_long", "query", "a query has at most %d bytes", e.limits.MaxQuery))
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: *r.Query}, e.limits.MaxTokens)
	if err != nil {
		return nil, queryError("query_malformed", err)
	}
	fields := 0
	for _, op := range doc.Operations {
		fields += crowd(op.SelectionSet)
	}
	for _, f := range doc.Fragments {
		fields += crowd(f.SelectionSet)
	}
	if fields > e.limits.MaxFields {
		return nil, e.refuse(ctx, domain.Invalid("query_too_complex", "query", "the query names %d fields, at most %d are taken", fields, e.limits.MaxFields))
	}
	if list := validator.ValidateWithRules(e.schema, doc, e.rules); len(list) > 0 {
		return nil, queryError("query_invalid", list)
	}
	op := doc.Operations.ForName(r.OperationName)
	if op == nil {
		return nil, e.refuse(ctx, domain.Invalid("operation_unknown", "operationName", "the query has no operation of that name"))
	}
	vars, err := validator.VariableValues(e.schema, op, r.Variables)
	if err != nil {
		return nil, queryError("variable_invalid", err)
	}
	if err := (&gauge{engine: e, vars: vars}).check(op); err != nil {
		return nil, e.refuse(ctx, err)
	}
	oc := &graphql.OperationContext{
		RawQuery: *r.Query, OperationName: r.OperationName, Doc: doc, Operation: op, Variables: vars,
		DisableIntrospection: e.limits.HideSchema, RecoverFunc: e.recovered, ResolverMiddleware: emptyIsNull,
		RootResolverMiddleware: func(ctx context.Context, next graphql.RootResolver) graphql.Marshaler { return next(ctx) },
	}
	if op.Operation == ast.Subscription {
		fields := graphql.CollectFields(oc, op.SelectionSet, nil)
		if len(fields) != 1 || fields[0].Name == "__typename" {
			return nil, e.refuse(ctx, domain.Invalid("query_invalid", "query", "a subscription is to one thing"))
		}
	}
	return oc, nil
}

// run begins an operation that was prepared; next gives its responses, nil
// after the last one.
func (e *engine) run(ctx context.Context, op *graphql.OperationContext) (next func() *graphql.Response) {
	var responses graphql.ResponseHandler
	return func() (res *graphql.Response) {
		defer func() {
			if p := recover(); p != nil {
				res = &graphql.Response{Errors: e.refuse(ctx, e.recovered(ctx, p))}
			}
		}()
		if responses == nil {
			responses, ctx = e.exec.DispatchOperation(ctx, op)
		}
		return responses(ctx)
	}
}

// verbatim are the types whose empty texts mean themselves: labels, and what
// existing clients read.
var verbatim = map[string]bool{
	"KVPair": true, "RescanImages": true, "PreloadImage": true, "UnloadImage": true, "ForgetImage": true, "AliasImage": true, "DealiasImage": true,
}

// emptyIsNull shows an empty text as null where the schema permits that, as
// JSON leaves it out.
func emptyIsNull(ctx context.Context, next graphql.Resolver) (any, error) {
	res, err := next(ctx)
	if v := reflect.ValueOf(res); v.Kind() == reflect.String && v.Len() == 0 {
		if fc := graphql.GetFieldContext(ctx); !fc.Field.Definition.Type.NonNull && !verbatim[fc.Object] {
			return nil, err
		}
	}
	return res, err
}

// encode writes a response; one of a refused request has no data at all.
func encode(res *graphql.Response, refused bool) []byte {
	var b []byte
	b = append(b, '{')
	if len(res.Errors) > 0 {
		list, err := json.Marshal(res.Errors)
		if err != nil {
			list = []byte(`[{"message":"internal error","extensions":{"code":"internal","reason":"internal"}}]`)
		}
		b = append(append(b, `"errors":`...), list...)
	}
	if !refused {
		if len(b) > 1 {
			b = append(b, ',')
		}
		data := res.Data
		if len(data) == 0 {
			data = json.RawMessage("null")
		}
		b = append(append(b, `"data":`...), data...)
	}
	return append(b, '}')
}
