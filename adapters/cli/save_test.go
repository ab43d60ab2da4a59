package cli_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

func TestSaveTellsWhatItDoesAndNamesTheImage(t *testing.T) {
	var asked *actions.SaveImageAction
	w := answers(t, func(ctx context.Context, _ service.Entry, a actions.Action) (any, error) {
		asked = a.(*actions.SaveImageAction)
		if asked.DryRun {
			return actions.SaveImageResult{Image: asked.Remote, DryRun: true}, nil
		}
		sink := domain.TransferSinkFrom(ctx)
		sink.Tell(domain.TransferEvent{Kind: domain.TransferSave, Src: asked.Container, Dst: asked.Remote})
		sink.Tell(domain.TransferEvent{Kind: domain.TransferCommitStarted, Src: asked.Container, Dst: "localhost/wharf-saved:1"})
		return actions.SaveImageResult{Image: asked.Remote, Digest: "sha256:abc", SizeBytes: 2048, SentBytes: 1024}, nil
	})
	const image = "cr.example.org/vision/app:mine"
	o := w.run("save", "rack-1", "4f1c", image, "--label", "team=ml").ok()
	require.Equal(t, &actions.SaveImageAction{AgentID: "rack-1", Container: "4f1c", Remote: image, Labels: map[string]string{"team": "ml"}}, asked)
	require.Equal(t, image+"\n  sha256:abc, 2 KiB, of which 1 KiB were sent\n", o.out)
	require.NotEmpty(t, o.stderr, "it is told")
	w.run("save", "rack-1", "4f1c").ok()
	require.Empty(t, asked.Remote)
	require.Equal(t, "would save "+image+"\n", w.run("image", "save", "rack-1", "4f1c", image, "--dry-run").ok().out)
	w.run("save", "rack-1").exits(2).says("CONTAINER is missing")
}
