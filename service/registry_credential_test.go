package service_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

func TestTheCredentialsOfAHostAreToldAndLeaveATrace(t *testing.T) {
	t.Parallel()
	f := newFleet(t, func(c *service.Config) { c.Sealer = plainSealer{} })
	create := func(project, user string, password domain.Secret) {
		_, err := f.CreateRegistry(f.root, actions.CreateRegistryAction{Name: fleetHost, Project: project, Username: user, Password: password})
		require.NoError(t, err)
	}
	ask := actions.GetRegistryCredentialAction{Registry: fleetHost}
	_, err := f.GetRegistryCredential(f.root, ask)
	fleetError(t, err, domain.CodeNotFound, "registry_not_found")
	create("", "", "")
	_, err = f.GetRegistryCredential(f.root, ask)
	fleetError(t, err, domain.CodePrecondition, "credential_missing")
	create("ml", "robot", "s3cret")
	res, err := f.GetRegistryCredential(f.root, ask)
	require.NoError(t, err)
	require.Equal(t, actions.GetRegistryCredentialResult{Registry: fleetHost, Username: "robot", Secret: "s3cret"}, res, "of a project, where the host has none")

	trail := f.audit("registry.credential")
	require.Equal(t, domain.AuditOK, trail[len(trail)-1].Status)
	require.NotContains(t, fleetJSON(t, trail), "s3cret")
	require.NotContains(t, f.logs.String(), "s3cret")
}
