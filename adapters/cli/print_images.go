package cli

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// image prints one image in full.
func (p *printer) image(i domain.ImageDetail) {
	rows := []pair{
		{"image", i.Canonical()},
		{"name", i.HumanizedName()},
		{"architecture", i.Architecture},
		{"status", string(i.Status)},
		{"type", string(i.Type)},
		{"size", size(i.SizeBytes)},
		{"id", string(i.ID)},
		{"digest", string(i.ConfigDigest)},
		{"manifest", string(i.ManifestDigest)},
		{"tag digest", string(i.TagDigest)},
		{"accelerators", joined(i.SupportedAccelerators())},
		{"created", p.when(i.CreatedAt)},
		{"updated", p.when(i.UpdatedAt)},
		{"last used", p.when(i.LastUsedAt)},
	}
	if i.Aliases != nil { // an image that was just changed comes without
		rows = append(rows, pair{"aliases", joined(i.Aliases)}, pair{"nodes", strconv.Itoa(i.InstalledCount)})
	}
	if i.Customized {
		rows = append(rows, pair{"owner", string(i.Owner)})
	}
	p.pairs(rows, 0)
	p.text("limits:\n")
	p.limitRows(i.ResourceLimits())
	p.labels("labels", i.Labels)
	p.labels("operator labels", i.OperatorLabels)
}

func (p *printer) labels(head string, labels map[string]string) {
	if len(labels) == 0 {
		return
	}
	p.text(head + ":\n")
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		p.say("  %s=%s", k, labels[k])
	}
}

func (p *printer) limits(i domain.Image, limits []domain.ResourceLimit) {
	p.say("%s", named(i))
	p.limitRows(limits)
}

func (p *printer) limitRows(limits []domain.ResourceLimit) {
	rows := make([]pair, 0, len(limits))
	for _, l := range limits {
		var bounds []string
		if l.Min != "0" || l.Max == "" {
			bounds = append(bounds, "at least "+quantity(l.Key, l.Min))
		}
		if l.Max != "" {
			bounds = append(bounds, "at most "+quantity(l.Key, l.Max))
		}
		rows = append(rows, pair{l.Key, strings.Join(bounds, ", ")})
	}
	p.pairs(rows, 1)
}

// quantity shows memory in units; other slots count.
func quantity(slot, s string) string {
	if n, err := domain.ParseBinarySize(s); err == nil && slot == domain.SlotMem {
		return n.String()
	}
	return s
}

func (p *printer) forgotten(r actions.ForgetImagesResult) {
	t := p.table(column{head: "IMAGE", cut: true}, column{head: "DID"})
	rows := make([][]cell, 0, len(r.Outcomes))
	for _, o := range r.Outcomes {
		row := cells(string(o.ImageID), "unchanged")
		if o.Image != nil {
			row[0].text = named(*o.Image)
		}
		switch {
		case o.Problem != nil:
			row[1] = cell{problem(o.Problem), bad}
		case o.Changed:
			row[1] = cell{tense(r.DryRun, "would be forgotten", "forgotten"), good}
		}
		rows = append(rows, row)
	}
	t.rows(rows)
}

func (p *printer) untagged(r actions.UntagImageFromRegistryResult) {
	p.say("%s %s from its registry", tense(r.DryRun, "would remove the tag of", "removed the tag of"), named(r.Image))
	p.untagPlan(r.UntagPlan, r.DryRun)
}

func (p *printer) untagPlan(u actions.UntagPlan, dry bool) {
	if len(u.Siblings) > 0 {
		p.say("  other architectures of the tag: %s", joined(u.Siblings))
	}
	if len(u.Tags) > 0 {
		p.say("  tags of the same digest %s: %s", tense(dry, "that would go with it", "that went with it"), joined(u.Tags))
	}
	if u.Protected != "" && dry {
		p.say("  protected: %s", u.Protected)
	}
}

func (p *printer) purged(r actions.PurgedImage, dry bool) {
	p.say("%s %s from the catalogue", tense(dry, "would remove", "removed"), named(r.Image))
	if len(r.Aliases) > 0 {
		p.say("  with its aliases: %s", joined(r.Aliases))
	}
	if r.Untag != nil {
		p.say("  %s its registry", tense(dry, "and its tag from", "and its tag from"))
		p.untagPlan(*r.Untag, dry)
	}
	if len(r.RemovedFrom) > 0 {
		p.say("  and from the nodes: %s", joined(r.RemovedFrom))
	}
	if len(r.HeldBy) > 0 {
		p.say("  still on the nodes: %s", joined(r.HeldBy))
	}
}

func (p *printer) purgedMany(r actions.PurgeImagesByIDResult) {
	for _, o := range r.Outcomes {
		if o.Purged != nil {
			p.purged(*o.Purged, r.DryRun)
			continue
		}
		if o.Problem != nil {
			p.text(p.paint(bad, clean(string(o.ImageID)+": "+problem(o.Problem))) + "\n")
		}
	}
}

func (p *printer) holders(r actions.GetImageInstalledAgentsResult) {
	t := p.table(column{head: "IMAGE", cut: true}, column{head: "ARCH"}, column{head: "AGENT"}, column{head: "SIZE", right: true}, column{head: "OBSERVED"}, column{head: "DIGEST"}, column{head: "USED BY", cut: true})
	var rows [][]cell
	for _, id := range slices.Sorted(maps.Keys(r.Agents)) {
		for _, i := range r.Agents[id] {
			row := cells(i.Canonical, i.Architecture, string(i.AgentID), size(i.SizeBytes), ago(p.now, i.ObservedAt), "current", joined(i.Containers))
			if i.Stale {
				row[5] = cell{"stale", warn}
			}
			rows = append(rows, row)
		}
	}
	t.rows(rows)
	if t.printed == 0 {
		p.text("no node holds it\n")
	}
}
