package service_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/porttest"
)

// node adds an agent that holds images, and reports its inventory.
func (f *fleet) node(id domain.AgentID, arch string, images ...domain.Image) *porttest.Agent {
	f.tb.Helper()
	var held []domain.InventoryImage
	for _, i := range images {
		held = append(held, domain.InventoryImage{Canonical: i.Canonical(), Architecture: i.Architecture, Digest: i.ConfigDigest, SizeBytes: i.SizeBytes})
	}
	f.agents[id] = porttest.NewAgent(f.shelf, held...)
	_, err := f.RegisterAgent(f.root, actions.RegisterAgentAction{
		AgentID: id, Kind: domain.AgentOCILayout, Address: "/images", ScalingGroup: "default", Architecture: arch,
	})
	require.NoError(f.tb, err)
	_, err = f.ReportInventory(f.root, actions.ReportInventoryAction{AgentID: id})
	require.NoError(f.tb, err)
	return f.agents[id]
}

// holds is what the node holds in truth, canonical and architecture.
func (f *fleet) holds(id domain.AgentID) []string {
	f.tb.Helper()
	f.agents[id].SetHook(nil)
	inv, err := f.agents[id].Inventory(f.tb.Context())
	require.NoError(f.tb, err)
	list := []string{}
	for _, i := range inv.Images {
		list = append(list, i.Canonical+" "+i.Architecture)
	}
	return list
}

// known is what the catalogue thinks that the node holds.
func (f *fleet) known(id domain.AgentID) []string {
	f.tb.Helper()
	rows, err := f.admin().Read().Agents.Installed(f.tb.Context(), id)
	require.NoError(f.tb, err)
	list := []string{}
	for _, i := range rows {
		list = append(list, i.Canonical+" "+i.Architecture)
	}
	return list
}

func TestAnAgentIsRegisteredChangedAndRemoved(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.node("node-1", "amd64", img)
	_, err := f.RegisterAgent(f.root, actions.RegisterAgentAction{AgentID: "node-1", Kind: domain.AgentOCILayout, Address: "/x", ScalingGroup: "default"})
	fleetError(t, err, domain.CodeConflict, "agent_exists")
	_, err = f.RegisterAgent(f.root, actions.RegisterAgentAction{AgentID: "node-2", Kind: "docker", Address: "/x", ScalingGroup: "default"})
	fleetError(t, err, domain.CodePrecondition, "adapter_missing")

	res, err := f.ModifyAgent(f.root, actions.ModifyAgentAction{AgentID: "node-1", ScalingGroup: domain.Set("gpu"), Architecture: domain.Set("arm64")})
	require.NoError(t, err)
	require.Equal(t, [3]string{"gpu", "aarch64", "/images"}, [3]string{res.Agent.ScalingGroup, res.Agent.Architecture, res.Agent.Address})
	for name, a := range map[string]actions.ModifyAgentAction{
		"no address":             {Address: domain.Clear[string]()},
		"an unknown status":      {Status: domain.Set(domain.AgentStatus("asleep"))},
		"a malformed group":      {ScalingGroup: domain.Set("two words")},
		"a malformed machine":    {Architecture: domain.Set("x/y/z")},
		"an empty scaling group": {ScalingGroup: domain.Clear[string]()},
	} {
		a.AgentID = "node-1"
		_, err := f.ModifyAgent(f.root, a)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), name)
		require.NotEmpty(t, domain.OnOf(err), name)
	}
	_, err = f.ModifyAgent(f.root, actions.ModifyAgentAction{AgentID: "nobody", Address: domain.Set("/y")})
	fleetError(t, err, domain.CodeNotFound, "agent_not_found")

	dry, err := f.RemoveAgent(f.root, actions.RemoveAgentAction{AgentID: "node-1", DryRun: true})
	require.NoError(t, err)
	require.Equal(t, 1, dry.Images)
	require.Equal(t, 1, f.stored(img.ID).InstalledCount)
	gone, err := f.RemoveAgent(f.root, actions.RemoveAgentAction{AgentID: "node-1"})
	require.NoError(t, err)
	require.Equal(t, 1, gone.Images)
	require.Equal(t, 0, f.stored(img.ID).InstalledCount)
	require.Len(t, f.holds("node-1"), 1, "the node itself is not touched")
	_, err = f.RemoveAgent(f.root, actions.RemoveAgentAction{AgentID: "node-1"})
	fleetError(t, err, domain.CodeNotFound, "agent_not_found")
}

func TestAnInventoryReplacesWhatWasKnown(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	one, two := f.image("app:1")[0], f.image("app:2")[0]
	f.node("a", "x86_64", one)
	report := func(images ...domain.InventoryImage) domain.InventoryChange {
		res, err := f.ReportInventory(f.root, actions.ReportInventoryAction{AgentID: "a", Inventory: &domain.Inventory{Images: images}})
		require.NoError(t, err)
		return res.InventoryChange
	}
	held := func(i domain.Image, arch string) domain.InventoryImage {
		return domain.InventoryImage{Canonical: i.Canonical(), Architecture: arch, Digest: i.ConfigDigest, SizeBytes: i.SizeBytes}
	}
	require.Equal(t, domain.InventoryChange{Added: 1, Unchanged: 1}, report(held(one, "amd64"), held(two, "linux/amd64")), "however the agent spells it")
	require.Equal(t, domain.InventoryChange{Updated: 1, Removed: 1}, report(domain.InventoryImage{Canonical: one.Canonical(), Architecture: "x86_64", Digest: two.ConfigDigest}))
	require.Equal(t, domain.InventoryChange{Added: 1, Removed: 1}, report(domain.InventoryImage{Canonical: "<none>:<none>", Architecture: "a b c"}), "odd names are kept and match nothing")
	require.Equal(t, domain.InventoryChange{Removed: 1}, report())
	require.Empty(t, f.known("a"))

	asked, err := f.ReportInventory(f.root, actions.ReportInventoryAction{AgentID: "a"})
	require.NoError(t, err)
	require.Equal(t, domain.InventoryChange{Added: 1}, asked.InventoryChange, "without an inventory the node is asked")
	_, err = f.ReportInventory(f.root, actions.ReportInventoryAction{AgentID: "nobody"})
	fleetError(t, err, domain.CodeNotFound, "agent_not_found")
	_, err = f.ReportInventory(f.root, actions.ReportInventoryAction{AgentID: "a", Inventory: &domain.Inventory{Images: []domain.InventoryImage{{Canonical: "x"}}}})
	fleetError(t, err, domain.CodeInvalid, "inventory_invalid")
}

func TestANodeThatCannotBeAskedKeepsItsInventory(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.node("a", "x86_64", img).SetHook(fleetAgentFails(fleetVanished("a")))
	_, err := f.ReportInventory(f.root, actions.ReportInventoryAction{AgentID: "a"})
	fleetError(t, err, domain.CodeUnavailable, "agent_unavailable")
	require.Equal(t, "a", domain.OnOf(err))
	require.Len(t, f.known("a"), 1)
}

func fleetAgentFails(err error) porttest.AgentHook {
	return func(context.Context, string, string) error { return err }
}

func TestAnAgentReportsAboutItselfOnly(t *testing.T) {
	t.Parallel()
	az, err := rbac.Default(service.Permissions())
	require.NoError(t, err)
	f := newFleet(t, func(c *service.Config) { c.Authorizer = az })
	img := f.image("app:1")[0]
	f.node("a", "x86_64")
	f.node("b", "x86_64")
	as := f.as(domain.Actor{ID: "agent:a", Role: "agent"})
	inv := &domain.Inventory{Images: []domain.InventoryImage{{Canonical: img.Canonical(), Architecture: "x86_64", Digest: img.ConfigDigest}}}
	_, err = f.ReportInventory(as, actions.ReportInventoryAction{AgentID: "a", Inventory: inv})
	require.NoError(t, err)
	_, err = f.ReportInventory(as, actions.ReportInventoryAction{AgentID: "b", Inventory: inv})
	fleetError(t, err, domain.CodeNotFound, "agent_not_found")
	require.Empty(t, f.known("b"))
}

func TestAgentsAndScalingGroupsAreListed(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.node("a", "x86_64", img)
	f.node("b", "aarch64")
	for where, want := range map[*domain.Filter][]string{
		{}: {"a", "b"}, {Field: "image", Op: domain.Eq, Value: img.Canonical()}: {"a"}, {Field: "architecture", Op: domain.Ne, Value: "x86_64"}: {"b"},
	} {
		res, err := f.ListAgents(f.root, actions.ListAgentsAction{Where: *where})
		require.NoError(t, err)
		require.Equal(t, want, fleetSorted(res.Agents, func(a domain.Agent) string { return string(a.ID) }))
	}
	grant := domain.ScalingGroupGrant{ScalingGroup: "default", Domain: "d", Project: "p"}
	for _, want := range []bool{true, false} {
		res, err := f.AllowScalingGroup(f.root, actions.AllowScalingGroupAction{ScalingGroupGrant: grant})
		require.NoError(t, err)
		require.Equal(t, want, res.Changed)
	}
	list, err := f.ListScalingGroups(f.root, actions.ListScalingGroupsAction{})
	require.NoError(t, err)
	require.Equal(t, []domain.ScalingGroupGrant{grant}, list.ScalingGroups)
	for _, want := range []bool{true, false} {
		res, err := f.DisallowScalingGroup(f.root, actions.DisallowScalingGroupAction{ScalingGroupGrant: grant})
		require.NoError(t, err)
		require.Equal(t, want, res.Changed)
	}
}
