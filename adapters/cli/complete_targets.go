package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// targetOffers completes the last term of a target expression: ids of nodes and
// prefixes, and after a prefix what nodes have there.
func (p *program) targetOffers(ctx context.Context, svc Service, begun string) []string {
	term := strings.TrimLeft(begun[strings.LastIndexByte(begun, ',')+1:], " ")
	term = strings.TrimPrefix(term, "!")
	head := strings.TrimSuffix(begun, term)
	kind, rest, prefixed := strings.Cut(term, ":")
	var names []string
	switch {
	case !prefixed:
		for _, a := range p.agents(ctx, svc, "id", term, completionMax) {
			names = append(names, string(a.ID))
		}
		names = append(names, "scaling-group:", "arch:", "label:", "status:")
	case kind == "scaling-group":
		for _, a := range p.agents(ctx, svc, "scaling_group", rest, domain.MaxPageSize) {
			names = append(names, "scaling-group:"+a.ScalingGroup)
		}
	case kind == "arch":
		for _, a := range p.agents(ctx, svc, "architecture", rest, domain.MaxPageSize) {
			names = append(names, "arch:"+a.Architecture)
		}
	case kind == "label":
		names = labelTerms(p.agents(ctx, svc, "", "", domain.MaxPageSize), rest)
	case kind == "status":
		names = []string{"status:" + string(domain.AgentOnline), "status:" + string(domain.AgentOffline)}
	}
	offers := begins(term, slices.DeleteFunc(names, func(n string) bool { return strings.ContainsAny(n, `,*?[]"\`) })) // to be quoted twice
	for i := range offers {
		offers[i] = head + offers[i]
	}
	return offers
}

// labelTerms are the keys of labels, and once a key is whole, its values.
func labelTerms(agents []domain.Agent, begun string) (terms []string) {
	for _, a := range agents {
		for k, v := range a.Labels {
			term := "label:" + k
			if strings.HasPrefix(begun, k+"=") {
				term += "=" + v
			}
			terms = append(terms, term)
		}
	}
	slices.Sort(terms)
	return terms
}

// agents lists some nodes of which a field begins with some text.
func (p *program) agents(ctx context.Context, svc Service, field, begun string, most int) []domain.Agent {
	r, err := p.call(ctx, svc, "agent.list", &actions.ListAgentsAction{Where: begin(field, begun), Page: domain.Page{Limit: most}})
	if err != nil {
		return nil
	}
	return r.(actions.ListAgentsResult).Agents
}

// begin is the filter for what begins with some text.
func begin(field, begun string) domain.Filter {
	if begun == "" {
		return domain.Filter{}
	}
	return domain.Where(field, domain.Prefix, begun)
}
