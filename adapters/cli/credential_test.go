package cli_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// lockers is a service with one registry that has credentials.
func lockers(_ context.Context, e service.Entry, a actions.Action) (any, error) {
	switch a := a.(type) {
	case *actions.GetRegistryCredentialAction:
		switch a.Registry {
		case "cr.example.org:5000":
			return actions.GetRegistryCredentialResult{Registry: a.Registry, Username: "robot", Secret: `s3"cret`}, nil
		case "open.example.org":
			return nil, domain.Errorf(domain.CodePrecondition, "credential_missing", a.Registry, "it has none")
		case "locked.example.org":
			return nil, domain.Errorf(domain.CodeForbidden, "permission_missing", "registry.credential", "no")
		}
		return nil, domain.NotFound("registry", a.Registry)
	case *actions.ListRegistriesAction:
		return actions.ListRegistriesResult{Registries: []domain.Registry{{Name: "cr.example.org:5000", Username: "robot"}, {Name: "open.example.org"}}}, nil
	}
	return nil, domain.Errorf(domain.CodeInternal, "unexpected", e.Spec.Name, "nobody should call %s", e.Spec.Name)
}

func TestDockerIsToldWhoToLogInAs(t *testing.T) {
	w := answers(t, lockers)
	for asked, want := range map[string]string{
		"cr.example.org:5000":               `{"ServerURL":"cr.example.org:5000","Username":"robot","Secret":"s3\"cret"}`,
		"https://CR.example.org:5000/v1/\n": `{"ServerURL":"https://CR.example.org:5000/v1/","Username":"robot","Secret":"s3\"cret"}`,
	} {
		w.stdin = asked
		require.Equal(t, want+"\n", w.run("credential-helper", "get").ok().out)
	}
	for _, asked := range []string{"open.example.org", "unknown.example.org", "https://index.docker.io/v1/"} {
		w.stdin = asked
		o := w.run("credential-helper", "get").exits(5)
		require.Equal(t, "credentials not found in native keychain\n", o.out, "docker goes on without, by these words")
	}
	w.stdin = "locked.example.org"
	o := w.run("credential-helper", "get").exits(4)
	require.Empty(t, o.out, "not being allowed is not the absence of credentials")
	require.JSONEq(t, `{"cr.example.org:5000":"robot"}`, w.run("credential-helper", "list").ok().out)
}

func TestDockerStoresNothingHere(t *testing.T) {
	w := answers(t, lockers)
	for _, verb := range []string{"store", "erase"} {
		w.run("credential-helper", verb).exits(7).says("wharf registry create and modify")
	}
	w.run("credential-helper").exits(2)
	w.run("credential-helper", "steal").exits(2)
	w.run("credential-helper", "get").exits(2).says("on standard input")
	w.stdin = "a b"
	w.run("credential-helper", "get").exits(2)
}
