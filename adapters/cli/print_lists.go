package cli

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// listed is the table of a list: its columns, and the rows of one page. A list
// without a table of its own gives nil.
func (p *printer) listed(result any) (columns []column, rows [][]cell) {
	switch r := result.(type) {
	case actions.ListImagesResult:
		columns = []column{{head: "IMAGE", cut: true}, {head: "ARCH"}, {head: "STATUS"}, {head: "SIZE", right: true}, {head: "NODES", right: true}, {head: "LAST USED"}, {head: "ALIASES", cut: true}}
		for _, i := range r.Images {
			row := cells(i.Canonical(), i.Architecture, string(i.Status), size(i.SizeBytes), strconv.Itoa(i.InstalledCount), ago(p.now, i.LastUsedAt), joined(i.Aliases))
			row[2].style = statusStyle(i.Status)
			rows = append(rows, row)
		}
	case actions.SearchAliasesResult:
		columns = []column{{head: "ALIAS", cut: true}, {head: "IMAGE", cut: true}, {head: "ARCH"}, {head: "CREATED"}}
		for _, a := range r.Aliases {
			rows = append(rows, cells(a.Alias.Alias, a.Canonical, a.Architecture, ago(p.now, a.CreatedAt)))
		}
	case actions.ListRegistriesResult:
		columns = []column{{head: "REGISTRY", cut: true}, {head: "TYPE"}, {head: "URL", cut: true}, {head: "USER"}, {head: "GLOBAL"}, {head: "DOMAINS", cut: true}, {head: "PROJECTS", cut: true}}
		for _, g := range r.Registries {
			rows = append(rows, cells(g.String(), string(g.Type), g.Endpoint(), g.Username, yesNo(g.IsGlobal), joined(g.Domains), joined(g.Projects)))
		}
	case actions.ListAgentsResult:
		columns = []column{{head: "AGENT"}, {head: "STATUS"}, {head: "SCALING GROUP"}, {head: "ARCH"}, {head: "KIND"}, {head: "ADDRESS", cut: true}, {head: "INVENTORY"}, {head: "LABELS", cut: true}}
		for _, a := range r.Agents {
			row := cells(string(a.ID), string(a.Status), a.ScalingGroup, a.Architecture, string(a.Kind), a.Address, ago(p.now, a.InventoryAt), labelText(a.Labels))
			if row[1].style = good; a.Status != domain.AgentOnline {
				row[1].style = warn
			}
			rows = append(rows, row)
		}
	case actions.ListIntentsResult:
		columns = intentColumns()
		for _, i := range r.Intents {
			rows = append(rows, intentRow(p.now, i))
		}
	case actions.ListTasksResult:
		columns = []column{{head: "TASK"}, {head: "ACTION"}, {head: "STATE"}, {head: "ITEMS", right: true}, {head: "FAILED", right: true}, {head: "FOR", cut: true}, {head: "CREATED"}, {head: "FINISHED"}}
		for _, t := range r.Tasks {
			rows = append(rows, taskRow(p.now, t))
		}
	case actions.GetTaskResult:
		columns = []column{{head: "ITEM", cut: true}, {head: "STATE"}, {head: "SIZE", right: true}, {head: "MESSAGE", cut: true}}
		for _, i := range r.Items {
			rows = append(rows, itemRow(i))
		}
	case actions.ListRemoteImagesResult:
		columns = []column{{head: "IMAGE", cut: true}, {head: "URI", cut: true}}
		for _, i := range r.Images {
			rows = append(rows, cells(i.Image, i.URI))
		}
	case actions.ListImageTagsResult:
		columns = []column{{head: "TAG", cut: true}, {head: "IMAGE", cut: true}, {head: "SIZE", right: true}}
		for _, t := range r.Tags {
			rows = append(rows, remoteTagRow(t))
		}
	case actions.ListBuildTasksResult, actions.ListModelsResult, actions.ListPipelinesResult, actions.ListBuiltImagesResult:
		return p.builds(r)
	case actions.ListScalingGroupsResult:
		columns = []column{{head: "SCALING GROUP"}, {head: "DOMAIN"}, {head: "PROJECT"}}
		for _, g := range r.ScalingGroups {
			rows = append(rows, cells(g.ScalingGroup, g.Domain, g.Project))
		}
	case actions.SearchAuditResult:
		columns = []column{{head: "AT"}, {head: "ACTOR", cut: true}, {head: "ROLE"}, {head: "ACTION"}, {head: "STATUS"}, {head: "REASON"}, {head: "COUNT", right: true}, {head: "TARGET", cut: true}}
		for _, e := range r.Entries {
			row := cells(e.At.In(p.now.Location()).Format("2006-01-02 15:04:05"), string(e.Actor), string(e.Role), e.Action, string(e.Status), e.Reason, strconv.Itoa(e.Count), targets(e))
			row[4].style = map[domain.AuditStatus]string{domain.AuditOK: good, domain.AuditStarted: warn, domain.AuditFailed: bad, domain.AuditDenied: bad}[e.Status]
			rows = append(rows, row)
		}
	}
	return columns, rows
}

// labelText is the first labels, and how many more.
func labelText(labels map[string]string) string {
	const most = 3
	var shown []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		if len(shown) == most {
			return strings.Join(shown, ",") + " and " + strconv.Itoa(len(labels)-most) + " more"
		}
		shown = append(shown, k+"="+labels[k])
	}
	return strings.Join(shown, ",")
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// targets is the first thing that a call touched, and how many more.
func targets(e domain.AuditEntry) string {
	switch len(e.Target) {
	case 0:
		return ""
	case 1:
		return e.Target[0]
	}
	return e.Target[0] + " and " + strconv.Itoa(len(e.Target)-1) + " more"
}
