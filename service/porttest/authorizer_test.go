package porttest_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

func TestGrants(t *testing.T) {
	porttest.RunAuthorizer(t, porttest.AuthorizerHarness{
		New: func(_ testing.TB, g porttest.Grants) port.Authorizer { return g },
	})
}

func TestAllowAllAndDenyAll(t *testing.T) {
	for want, a := range map[domain.Reach]port.Authorizer{domain.ReachAny: porttest.AllowAll{}, domain.ReachNone: porttest.DenyAll{}} {
		got, err := a.Authorize(t.Context(), domain.Actor{}, "image.get")
		if err != nil || got.Reach != want {
			t.Errorf("%T: %v, %v; want %s", a, got, err, want)
		}
	}
}

// wrong is Grants with a fault.
type wrong struct {
	porttest.Grants
	fault string
}

func (w wrong) Authorize(ctx context.Context, a domain.Actor, permission string) (domain.Grant, error) {
	switch w.fault {
	case "first of a list":
		a.Role = domain.Role(strings.Split(string(a.Role), ",")[0])
	case "trims":
		a.Role = domain.Role(strings.TrimSpace(string(a.Role)))
	case "zero is root":
		if a.Role == "" {
			a.Role = "root"
		}
	case "id is a role":
		if _, ok := w.Grants[domain.Role(a.ID)]; ok {
			a.Role = domain.Role(a.ID)
		}
	}
	g, err := w.Grants.Authorize(ctx, a, permission)
	switch {
	case w.fault == "unknown is denied" && err != nil:
		return domain.Grant{}, nil
	case w.fault == "unknown is allowed" && err != nil:
		return domain.Grant{Reach: domain.ReachAny, Rule: "x"}, nil
	case w.fault == "own is visible" && g.Reach == domain.ReachOwn:
		g.Reach = domain.ReachVisible
	case w.fault == "ended is any" && ctx.Err() != nil && err == nil:
		g.Reach = domain.ReachAny
	case w.fault == "no rule":
		g.Rule = ""
	case w.fault == "denies all" && err == nil:
		return domain.Grant{}, nil
	case w.fault == "grant with error":
		return domain.Grant{Reach: domain.ReachAny}, errors.Join(domain.ErrUnavailable)
	}
	return g, err
}

func (w wrong) Explain(ctx context.Context, a domain.Actor, permission string) (domain.Decision, error) {
	g, err := w.Grants.Authorize(ctx, a, permission)
	d := domain.Decision{Permission: permission, Actor: a, Grant: g, Role: a.Role}
	if g.Reach == domain.ReachNone {
		d.Role = ""
		d.Missing = "a role"
	}
	switch w.fault {
	case "explains nothing missing":
		d.Missing = ""
	case "explains another grant":
		d.Grant.Reach = domain.ReachAny
	}
	return d, err
}

const faultVariable = "WHARF_TEST_WRONG_AUTHORIZER"

// TestWrongAuthorizer runs the suite on one wrong authorizer; only
// TestRunAuthorizerFindsFaults starts it, in a process of its own.
func TestWrongAuthorizer(t *testing.T) {
	fault, ok := os.LookupEnv(faultVariable)
	if !ok {
		t.Skip("started by TestRunAuthorizerFindsFaults")
	}
	h := porttest.AuthorizerHarness{New: func(_ testing.TB, g porttest.Grants) port.Authorizer { return wrong{g, fault} }}
	switch fault {
	case "fails open":
		h.New = func(_ testing.TB, g porttest.Grants) port.Authorizer { return wrong{g, ""} }
		h.Failing = h.New
	case "grant with error":
		h.Failing = h.New
		h.New = func(_ testing.TB, g porttest.Grants) port.Authorizer { return wrong{g, ""} }
	}
	porttest.RunAuthorizer(t, h)
}

func TestRunAuthorizerFindsFaults(t *testing.T) {
	faults := map[string]bool{ // whether the suite must fail
		"":                false,
		"first of a list": true, "trims": true, "zero is root": true, "id is a role": true,
		"unknown is denied": true, "unknown is allowed": true, "own is visible": true, "ended is any": true,
		"no rule": true, "denies all": true, "grant with error": true, "fails open": true,
		"explains nothing missing": true, "explains another grant": true,
	}
	for fault, want := range faults {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWrongAuthorizer$")
			cmd.Env = append(os.Environ(), faultVariable+"="+fault)
			out, err := cmd.CombinedOutput()
			if failed := err != nil; failed != want {
				t.Errorf("suite failed: %t, want %t\n%s", failed, want, out)
			}
			if want && !bytes.Contains(out, []byte("--- FAIL: TestWrongAuthorizer/")) {
				t.Errorf("the suite did not fail by a test of its own:\n%s", out)
			}
		})
	}
}
