package main

import (
	"context"
	"fmt"
	"os"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/ocilayout"
	"github.com/wharf-project/wharf/domain"
)

// progress returns a context whose long actions draw a bar on a terminal, and
// a function that ends it. Elsewhere the step's own line has to do.
func (s *story) progress(ctx context.Context, what string) (context.Context, func()) {
	if s.out != os.Stdout || !term.IsTerminal(int(os.Stdout.Fd())) {
		return ctx, func() {}
	}
	bars := mpb.NewWithContext(ctx, mpb.WithOutput(os.Stdout), mpb.WithWidth(50))
	bar := bars.AddBar(0, mpb.BarRemoveOnComplete(), mpb.PrependDecorators(decor.Name("  "+what+" ")), mpb.AppendDecorators(decor.CountersNoUnit("%d/%d")))
	ctx = domain.WithProgress(ctx, func(p domain.ProgressStep) {
		bar.SetTotal(p.Total, false)
		bar.SetCurrent(p.Current)
	})
	return ctx, func() {
		bar.SetTotal(-1, true)
		bars.Wait()
	}
}

func (s *story) preload() error {
	s.chapter("Preload: images on nodes before somebody waits for them")
	refs := []actions.ImageRef{{Name: image("stable/solver:2.0")}, {Name: image(s.twoArchitectures())}}
	plan, err := s.app.PreloadImages(s.root, actions.PreloadImagesAction{Images: refs, TargetAgents: "*", DryRun: true})
	if err := s.step("plan two images for all nodes", fmt.Sprintf("%d to pull", plan.Account.Done), err, plan.Account.Done == 6); err != nil {
		return err
	}
	ctx, bar := s.progress(s.root, "pulling")
	res, err := s.app.PreloadImages(ctx, actions.PreloadImagesAction{Images: refs, TargetAgents: "*"})
	bar()
	if err := s.step("pull them, each node its own architecture", fmt.Sprintf("done %d, failed %d", res.Account.Done, res.Account.Failed), err, res.Account.Done == 6); err != nil {
		return err
	}
	for _, o := range res.Outcomes {
		if want := map[domain.AgentID]string{"node-1": "x86_64", "node-2": "x86_64", "node-3": "aarch64"}[o.AgentID]; o.Architecture != want {
			return fmt.Errorf("%s got %s", o.AgentID, o.Architecture)
		}
	}
	again, err := s.app.PreloadImages(s.root, actions.PreloadImagesAction{Images: append(refs, actions.ImageRef{Name: image("stable/solver:1.0")}), TargetAgents: "node-1,node-2"})
	if err := s.step("again, and one more, on two nodes", fmt.Sprintf("done %d, unchanged %d", again.Account.Done, again.Account.Unchanged), err, again.Account.Done == 2 && again.Account.Unchanged == 4); err != nil {
		return err
	}
	got, err := s.app.GetImage(s.root, actions.GetImageAction{Reference: image("stable/solver:1.0")})
	if err != nil {
		return err
	}
	held, err := s.app.GetImageInstalledAgents(s.root, actions.GetImageInstalledAgentsAction{ImageIDs: []domain.ImageID{got.Image.ID}})
	if err := s.step("who holds stable/solver:1.0", fmt.Sprintf("%d nodes", len(held.Agents[got.Image.ID])), err, len(held.Agents[got.Image.ID]) == 2); err != nil {
		return err
	}
	group, project := "gpu", "vision"
	list, err := s.app.ListImages(s.alice, actions.ListImagesAction{ImageQuery: domain.ImageQuery{Group: &project, ScalingGroup: &group}})
	return s.step("what alice's project can start on gpu at once", fmt.Sprintf("%d images", len(list.Images)), err, len(list.Images) == 3)
}

// twoArchitectures is a published tag that was pushed for two.
func (s *story) twoArchitectures() string {
	i := images()[0]
	return i.Repository + ":" + i.Tag
}

func (s *story) purge() error {
	s.chapter("Purge from three nodes at once; one fails, one has it in use")
	if err := ocilayout.Run(s.root, s.nodeDir("node-1"), "session-1", image("stable/solver:1.0"), "x86_64"); err != nil {
		return err
	}
	// Somebody pulled the disk out of node-2.
	away := s.nodeDir("node-2") + ".away"
	if err := os.Rename(s.nodeDir("node-2"), away); err != nil {
		return err
	}
	if err := os.WriteFile(s.nodeDir("node-2"), nil, 0o600); err != nil {
		return err
	}
	refs := []actions.ImageRef{{Name: image("stable/solver:2.0")}, {Name: image("stable/solver:1.0")}}
	purge := actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{
		{AgentID: "node-1", Images: refs}, {AgentID: "node-2", Images: refs}, {AgentID: "node-3", Images: refs[:1]},
	}}
	res, err := s.app.PurgeImages(s.root, purge)
	if err := s.step("purge two images", fmt.Sprintf("%d nodes, %d bytes freed, %d errors", len(res.PurgedImages), res.FreedBytes, len(res.Errors)), err,
		len(res.PurgedImages) == 2 && len(res.Errors) == 3 && res.FreedBytes > 0); err != nil {
		return err
	}
	for _, e := range res.Errors {
		fmt.Fprintf(s.out, "      %s\n", e)
	}
	if err := os.Remove(s.nodeDir("node-2")); err != nil {
		return err
	}
	if err := os.Rename(away, s.nodeDir("node-2")); err != nil {
		return err
	}
	if err := ocilayout.Stop(s.root, s.nodeDir("node-1"), "session-1"); err != nil {
		return err
	}
	res, err = s.app.PurgeImages(s.root, actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{{AgentID: "node-1", Images: refs[1:]}, {AgentID: "node-2", Images: refs}}})
	if err := s.step("again, with the disk back and the session over", fmt.Sprintf("%d nodes, %d errors", len(res.PurgedImages), len(res.Errors)), err,
		len(res.PurgedImages) == 2 && len(res.Errors) == 0); err != nil {
		return err
	}
	report, err := s.app.ReportInventory(s.root, actions.ReportInventoryAction{AgentID: "node-2"})
	return s.step("node-2 reports what it holds", fmt.Sprintf("%+v", report.InventoryChange), err, report.Unchanged == 1 && report.Removed == 0)
}
