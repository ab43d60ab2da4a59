package domain_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

func TestCodeOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want domain.Code
	}{
		"nil":                         {nil, ""},
		"an error of ours":            {domain.NotFound("image", "x"), domain.CodeNotFound},
		"one in a chain":              {fmt.Errorf("a: %w", domain.NotFound("image", "x")), domain.CodeNotFound},
		"one among others":            {errors.Join(errors.New("a"), domain.NotFound("image", "x")), domain.CodeNotFound},
		"the outermost of two":        {&domain.Error{Code: domain.CodeUnavailable, Err: domain.NotFound("image", "x")}, domain.CodeUnavailable},
		"ours around the context's":   {&domain.Error{Code: domain.CodeUnavailable, Err: context.Canceled}, domain.CodeUnavailable},
		"a canceled context":          {context.Canceled, domain.CodeCanceled},
		"a canceled context, wrapped": {fmt.Errorf("get: %w", context.Canceled), domain.CodeCanceled},
		"a deadline":                  {context.DeadlineExceeded, domain.CodeTimeout},
		"a deadline, wrapped":         {fmt.Errorf("get: %w", context.DeadlineExceeded), domain.CodeTimeout},
		"anything else":               {errors.New("x"), domain.CodeInternal},
		"a problem":                   {domain.ProblemOf(domain.NotFound("image", "x")), domain.CodeNotFound},
		"a problem in a chain":        {fmt.Errorf("a: %w", domain.ProblemOf(context.DeadlineExceeded)), domain.CodeTimeout},
	} {
		require.Equal(t, c.want, domain.CodeOf(c.err), name)
	}
}

func TestAContextsCauseKeepsItsCode(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeoutCause(t.Context(), -1, domain.NotFound("image", "x"))
	defer cancel()
	require.Equal(t, domain.CodeTimeout, domain.CodeOf(ctx.Err()))
	require.Equal(t, domain.CodeNotFound, domain.CodeOf(context.Cause(ctx)))
}

func TestErrorsMatchByCodeAndByReasonWhenThereIsOne(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("a: %w", domain.NotFound("image", "x"))
	require.ErrorIs(t, err, domain.ErrNotFound)
	require.ErrorIs(t, err, &domain.Error{Code: domain.CodeNotFound, Reason: "image_not_found"})
	require.NotErrorIs(t, err, &domain.Error{Code: domain.CodeNotFound, Reason: "alias_not_found"})
	require.NotErrorIs(t, err, domain.ErrConflict)
	require.NotErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, &domain.Error{Code: domain.CodeUnavailable, Err: context.Canceled}, context.Canceled, "the cause stays visible")
}

func TestThereIsASentinelAndATextForEveryCode(t *testing.T) {
	t.Parallel()
	sentinels := []error{
		domain.ErrInvalid, domain.ErrUnauthenticated, domain.ErrForbidden, domain.ErrNotFound, domain.ErrConflict, domain.ErrPrecondition,
		domain.ErrRateLimited, domain.ErrUnavailable, domain.ErrCanceled, domain.ErrTimeout, domain.ErrInternal,
	}
	require.Len(t, sentinels, len(domain.Codes()))
	for i, code := range domain.Codes() {
		bare := &domain.Error{Code: code}
		require.ErrorIs(t, bare, sentinels[i])
		require.NotEmpty(t, domain.MessageOf(bare), code)
		require.Equal(t, string(code), domain.ReasonOf(bare))
		require.Equal(t, string(code), bare.Error())
	}
	domain.Codes()[0] = "changed"
	require.Equal(t, domain.CodeInvalid, domain.Codes()[0])
}

func TestWrapAddsAnOperationAndKeepsTheRest(t *testing.T) {
	t.Parallel()
	require.NoError(t, domain.Wrap("op", nil))

	plain := &domain.Error{Code: domain.CodeRateLimited, Reason: "slow_down", On: "cr.example.org", Message: "wait", RetryAfter: time.Second}
	once := domain.Wrap("registry.tags", plain)
	require.Equal(t, &domain.Error{
		Code: domain.CodeRateLimited, Reason: "slow_down", On: "cr.example.org", Message: "wait", RetryAfter: time.Second, Op: "registry.tags",
	}, once)
	require.Empty(t, plain.Op, "errors are not changed in place: sentinels are shared")

	twice := domain.Wrap("image.scan", once)
	e, ok := errors.AsType[*domain.Error](twice)
	require.True(t, ok)
	require.Equal(t, "image.scan", e.Op)
	require.Equal(t, domain.CodeRateLimited, e.Code)
	require.Equal(t, "slow_down", e.Reason)
	require.Equal(t, "cr.example.org", e.On)
	require.Equal(t, "wait", e.Message)
	require.Equal(t, time.Second, domain.RetryAfterOf(twice))
	require.ErrorIs(t, twice, plain)

	for cause, code := range map[error]domain.Code{context.Canceled: domain.CodeCanceled, context.DeadlineExceeded: domain.CodeTimeout, errors.New("x"): domain.CodeInternal} {
		err := domain.Wrap("op", cause)
		require.Equal(t, code, domain.CodeOf(err))
		require.ErrorIs(t, err, cause)
		require.NotContains(t, domain.MessageOf(err), cause.Error(), "what a driver says is for operators")
	}
	in := domain.Internal("op", errors.New("disk"))
	require.Equal(t, "internal error", domain.MessageOf(in))
	require.Contains(t, in.Error(), "disk")
}

func TestAnErrorTellsOperatorsEverything(t *testing.T) {
	t.Parallel()
	err := &domain.Error{Code: domain.CodeConflict, Reason: "alias_taken", On: "py", Op: "alias.create", Message: "taken", Err: errors.New("23505")}
	require.EqualError(t, err, "alias.create: conflict/alias_taken (py): taken: 23505")
}

func TestEndUsersReadMessagesAndNeverCauses(t *testing.T) {
	t.Parallel()
	secret := errors.New("dial tcp 10.0.0.1: password=hunter2")
	for _, err := range []error{secret, domain.Wrap("op", secret), &domain.Error{Code: domain.CodeUnavailable, Err: secret}, fmt.Errorf("%w and %w", domain.ErrNotFound, secret)} {
		require.NotContains(t, domain.MessageOf(err), "hunter2")
		b, jerr := json.Marshal(domain.ProblemOf(err))
		require.NoError(t, jerr)
		require.NotContains(t, string(b), "hunter2")
	}
	require.Empty(t, domain.MessageOf(nil))
	require.Empty(t, domain.ReasonOf(nil))
	require.Empty(t, domain.OnOf(errors.New("x")))
	require.Zero(t, domain.RetryAfterOf(errors.New("x")))
}

func TestNotFoundHasOneShape(t *testing.T) {
	t.Parallel()
	require.Equal(t, &domain.Error{Code: domain.CodeNotFound, Reason: "image_not_found", On: "x", Message: "no such image: x"}, domain.NotFound("image", "x"))
}

func TestAProblemIsTheErrorAsData(t *testing.T) {
	t.Parallel()
	require.Nil(t, domain.ProblemOf(nil))
	p := domain.ProblemOf(domain.Wrap("image.get", domain.NotFound("image", "x")))
	b, err := json.Marshal(p)
	require.NoError(t, err)
	require.JSONEq(t, `{"code":"not_found","reason":"image_not_found","on":"x","message":"no such image: x"}`, string(b))
	var read domain.Problem
	require.NoError(t, json.Unmarshal(b, &read))
	require.ErrorIs(t, &read, domain.ErrNotFound)
	require.Equal(t, "image_not_found", domain.ReasonOf(&read))
	require.Equal(t, p, domain.ProblemOf(&read), "it survives being one again")
	require.EqualError(t, &read, "not_found: no such image: x")
}
