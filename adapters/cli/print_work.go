package cli

import (
	"strconv"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// rescanned accounts for each registry, then says what failed.
func (p *printer) rescanned(r actions.RescanImagesResult) {
	t := p.table(column{head: "REGISTRY", cut: true}, column{head: "LISTING"}, column{head: "SEEN", right: true}, column{head: "ADDED", right: true},
		column{head: "UPDATED", right: true}, column{head: "UNCHANGED", right: true}, column{head: "SKIPPED", right: true}, column{head: "FAILED", right: true}, column{head: "GONE", right: true})
	rows := make([][]cell, 0, len(r.Registries))
	var errs []string
	for _, s := range r.Registries {
		row := cells(s.Registry, "complete", strconv.Itoa(s.Seen), strconv.Itoa(s.Added), strconv.Itoa(s.Updated), strconv.Itoa(s.Unchanged),
			strconv.Itoa(s.Skipped), strconv.Itoa(s.Failed), strconv.Itoa(s.Gone))
		if row[1].style = good; !s.Complete {
			row[1] = cell{"incomplete", bad}
		}
		if s.Failed > 0 {
			row[7].style = bad
		}
		rows = append(rows, row)
		for _, e := range s.Errors {
			errs = append(errs, e.On+": "+problem(&e.Problem))
		}
	}
	t.rows(rows)
	if t.printed == 0 {
		p.text("no registries\n")
	}
	p.errorsBelow(errs)
}

func (p *printer) scannedTag(r actions.ScanImageResult) {
	t := p.table(column{head: "IMAGE", cut: true}, column{head: "ARCH"}, column{head: "SIZE", right: true}, column{head: "DID"})
	rows := make([][]cell, 0, len(r.Images))
	for _, s := range r.Images {
		rows = append(rows, cells(s.Image.Canonical(), s.Image.Architecture, size(s.Image.SizeBytes), string(s.Did)))
	}
	t.rows(rows)
	if t.printed == 0 {
		p.text("the tag holds no image\n")
	}
	for _, s := range r.Skipped {
		p.say("  skipped %s: %s", string(s.Digest), s.Reason)
	}
	for _, id := range r.Gone {
		p.say("  gone from the tag: %s", string(id))
	}
	for _, l := range r.LabelProblems {
		p.say("  label: %s", l.Message)
	}
}

// outcomes prints what happened to each image on each node.
func (p *printer) outcomes(list []actions.AgentOutcome, a actions.Account, dry bool) {
	t := p.table(column{head: "AGENT"}, column{head: "IMAGE", cut: true}, column{head: "ARCH"}, column{head: "DID"}, column{head: "SIZE", right: true})
	rows := make([][]cell, 0, len(list))
	var errs []string
	for _, o := range list {
		row := cells(string(o.AgentID), o.Image, o.Architecture, string(o.Did), "")
		if o.Bytes > 0 {
			row[4].text = size(o.Bytes)
		}
		switch o.Did {
		case actions.DidPull, actions.DidRemove:
			row[3].style = good
		case actions.DidFail:
			row[3].style = bad
		case actions.WouldDo, actions.DidDefer:
			row[3].style = warn
		}
		if o.Problem != nil {
			errs = append(errs, string(o.AgentID)+": "+o.Image+": "+problem(o.Problem))
		}
		rows = append(rows, row)
	}
	t.rows(rows)
	p.errorsBelow(errs)
	deferred := ""
	if a.Deferred > 0 {
		deferred = ", " + strconv.Itoa(a.Deferred) + " deferred"
	}
	p.say("%s: %d %s, %d unchanged, %d failed%s", counted(a.Seen, "item"), a.Done, tense(dry, "planned", "done"), a.Unchanged, a.Failed, deferred)
	if deferred != "" && !dry {
		p.text("  what is deferred waits for its nodes: wharf agent intents\n")
	}
}

func (p *printer) purgedFromAgents(r actions.PurgeImagesResult) {
	t := p.table(column{head: "AGENT"}, column{head: "IMAGE", cut: true}, column{head: "DID"})
	did := tense(r.DryRun, "planned", "removed")
	var rows [][]cell
	removed := 0
	for _, a := range r.PurgedImages {
		removed += len(a.PurgedImages)
		for _, name := range a.PurgedImages {
			row := cells(string(a.AgentID), name, did)
			row[2].style = good
			rows = append(rows, row)
		}
	}
	errs := make([]string, 0, len(r.Errors))
	for i := range r.Errors {
		e := &r.Errors[i]
		row := cells(string(e.AgentID), e.Image, "failed")
		row[2].style = bad
		rows = append(rows, row)
		errs = append(errs, string(e.AgentID)+": "+e.Image+": "+problem(&e.Problem))
	}
	t.rows(rows)
	p.errorsBelow(errs)
	p.say("%d %s, %d failed, %s %s", removed, did, len(r.Errors), size(r.FreedBytes), tense(r.DryRun, "to be freed", "freed"))
}

// decision tells in sentences why something is allowed or refused.
func (p *printer) decision(d domain.Decision) {
	who := actorText(d.Actor)
	if d.Grant.Reach == domain.ReachNone {
		p.say("%s may not: %s", who, d.Permission)
		p.say("  %s", d.Missing)
		return
	}
	p.say("%s may: %s, reach %s", who, d.Permission, d.Grant.Reach)
	p.pairs([]pair{{"role", string(d.Role)}, {"rule", d.Grant.Rule}}, 1)
}
