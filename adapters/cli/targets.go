package cli

import (
	"context"
	"strings"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// setPurge takes the images of agent.purge_images from the arguments, for the
// agents named by id; else under one key without an id, for those that
// resolveTargets finds.
func (c *command) setPurge(a *actions.PurgeImagesAction, names []string) error {
	if len(c.targets.given) == 0 {
		return usage("--target-agents is missing: agent ids, separated by commas, or * for all")
	}
	if len(a.Keys) > 0 {
		return usage("arguments and the keys of --action-json contradict each other")
	}
	targets, err := c.purgeTargets()
	if err != nil {
		return err
	}
	refs := make([]actions.ImageRef, len(names))
	for i, name := range names {
		refs[i] = actions.ImageRef{Name: name, Architecture: c.architecture.String()}
	}
	ids := targets.IDs()
	if !targets.OnlyIDs() || strings.Contains(targets.String(), "!") {
		ids = []domain.AgentID{""}
	}
	for _, id := range ids {
		a.Keys = append(a.Keys, actions.PurgeImagesKey{AgentID: id, Images: refs})
	}
	return nil
}

func (c *command) purgeTargets() (domain.Targets, error) {
	return domain.ParseTargets(strings.Join(c.targets.given, ","))
}

// resolveTargets finds the agents of --target-agents, as other actions do
// themselves.
func (c *command) resolveTargets(ctx context.Context, svc Service, a *actions.PurgeImagesAction) error {
	if len(a.Keys) != 1 || a.Keys[0].AgentID != "" || len(c.targets.given) == 0 {
		return nil
	}
	targets, err := c.purgeTargets()
	if err != nil {
		return err
	}
	agents, err := c.matching(ctx, svc, targets)
	if err != nil {
		return err
	}
	refs := a.Keys[0].Images
	a.Keys = nil
	for _, id := range agents {
		a.Keys = append(a.Keys, actions.PurgeImagesKey{AgentID: id, Images: refs})
	}
	return nil
}

// matching lists the agents of a set. Those that it names by id must exist.
func (c *command) matching(ctx context.Context, svc Service, targets domain.Targets) ([]domain.AgentID, error) {
	var ids []domain.AgentID
	known := map[domain.AgentID]bool{}
	list := &actions.ListAgentsAction{Page: domain.Page{Limit: domain.MaxPageSize}}
	for {
		result, err := c.call(ctx, svc, "agent.list", list)
		if err != nil {
			return nil, err
		}
		page := result.(actions.ListAgentsResult)
		for _, agent := range page.Agents {
			known[agent.ID] = true
			if targets.Match(agent) {
				ids = append(ids, agent.ID)
			}
		}
		if list.After = page.Next; page.Next == "" {
			break
		}
	}
	for _, id := range targets.IDs() {
		if !known[id] {
			return nil, domain.NotFound("agent", string(id))
		}
	}
	if len(ids) == 0 {
		return nil, domain.Invalid("target_empty", "target_agents", "no agent matches %s", domain.Quote(targets.String()))
	}
	return ids, nil
}

func targetsHelp() string {
	return `A target expression names nodes. It is a list of terms with commas between them: what a term
names is in, what a term after ! names is out, in whatever order they come. With ! terms
only, it is every node less those.

  node-1,node-2                            these two
  gpu-*,!gpu-[0-3]                         ids that begin with gpu-, less gpu-0 to gpu-3
  scaling-group:train-*,!status:offline    of these scaling groups, those that are online
  !arch:amd64                              every node that is not x86_64
  label:zone=eu-?,!label:drain             by a label and its value, less those with a label drain
  label:note="a, b"*                       what is quoted means itself

In ids, scaling groups and values of labels, * stands for any characters, ? for one, [0-9]
for one of those and [^0-9] for one of the others. A node named by its whole id has to
exist; everything else may match nothing, but the whole has to match a node.

The shell has a meaning for * and !, so put the expression in single quotes:

  wharf agent preload-images python:3.11 --target-agents 'scaling-group:gpu,!node-7'
`
}
