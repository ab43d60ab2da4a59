package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/wharf-project/wharf/domain"
)

const (
	exitOK       = 0
	exitInternal = 1
	exitPartial  = 12

	exitTaskFailed    = 13
	exitTaskCancelled = 14
)

// exitCode is one row of the table of exit codes.
type exitCode struct {
	status  int
	code    domain.Code // "" for what is not an error of the service
	meaning string
}

// exitCodes is the one table, for help and for [Run].
func exitCodes() []exitCode {
	return []exitCode{
		{exitOK, "", "success"},
		{exitInternal, domain.CodeInternal, "a defect of wharf or of its installation"},
		{2, domain.CodeInvalid, "the command line or a value in it is wrong"},
		{3, domain.CodeUnauthenticated, "nobody is known to be calling"},
		{4, domain.CodeForbidden, "the caller may not do this"},
		{5, domain.CodeNotFound, "no such thing, or none that the caller may know of"},
		{6, domain.CodeConflict, "another thing is in the way"},
		{7, domain.CodePrecondition, "the thing is in a state that does not allow this"},
		{8, domain.CodeRateLimited, "too many calls"},
		{9, domain.CodeUnavailable, "a registry, a node, the database or the server does not answer"},
		{10, domain.CodeCanceled, "interrupted, or not confirmed"},
		{11, domain.CodeTimeout, "the time was up"},
		{exitPartial, "", "some items failed, the others are done"},
		{exitTaskFailed, "", "the task that was watched failed"},
		{exitTaskCancelled, "", "the task that was watched was cancelled"},
	}
}

// statusOf is the exit code of an error.
func statusOf(err error) int {
	if err == nil {
		return exitOK
	}
	if _, ok := errors.AsType[*partialError](err); ok {
		return exitPartial
	}
	if end, ok := errors.AsType[*taskError](err); ok {
		return end.status
	}
	code := domain.CodeOf(err)
	for _, e := range exitCodes() {
		if e.code == code {
			return e.status
		}
	}
	return exitInternal
}

// partialError says that a bulk action was done in part; the result tells what
// happened to each item.
type partialError struct{ failed, of int }

func (e *partialError) Error() string {
	if e.of < e.failed { // what failed is more than items, such as the listing of a registry
		return fmt.Sprintf("%d failed", e.failed)
	}
	return fmt.Sprintf("%d of %d failed", e.failed, e.of)
}

// taskError says that a task that was watched did not succeed; the result tells
// why.
type taskError struct {
	status int
	text   string
}

func (e *taskError) Error() string { return e.text }

// taskEnd is the error of a finished task, nil when it is done.
func taskEnd(t domain.Task) error {
	switch t.State {
	case domain.TaskDone:
		return nil
	case domain.TaskPartial:
		return &partialError{failed: t.Account.Failed, of: t.Account.Over()}
	case domain.TaskCancelled:
		return &taskError{exitTaskCancelled, "the task was cancelled"}
	}
	return &taskError{exitTaskFailed, "the task failed"}
}

// told reports whether an error only sums up what the result has.
func told(err error) bool {
	_, partial := errors.AsType[*partialError](err)
	_, task := errors.AsType[*taskError](err)
	return partial || task
}

// openError marks what went wrong before there was a service to log it.
type openError struct{ err error }

func (e *openError) Error() string { return e.err.Error() }
func (e *openError) Unwrap() error { return e.err }

func exitHelp() string {
	var b strings.Builder
	b.WriteString("The exit code tells what kind of error it was:\n\n")
	for _, e := range exitCodes() {
		fmt.Fprintf(&b, "  %2d  %-16s %s\n", e.status, e.code, e.meaning)
	}
	b.WriteString("\nWith --json an error is an object on standard error:\n\n" +
		`  {"error":{"code":"not_found","reason":"image_not_found","on":"x:1","message":"no such image: x:1"}}` + "\n\n" +
		"code is one of the names above, reason the stable name of the cause. With exit code 12\n" +
		"the result on standard output holds a problem of the same form for each item that failed;\n" +
		"so it does with 13 and 14, which are of wharf task watch.\n")
	return b.String()
}
