package docker

import (
	"context"
	"maps"

	"github.com/wharf-project/wharf/domain"
)

// Commit implements port.Committer. The container stands still while the engine
// copies its files. The image is named when it is there; what an engine commits
// after ctx has ended keeps no name. Labels that the container was given stay in
// the image, as engines do it; those of r win.
func (a *agent) Commit(ctx context.Context, r domain.CommitRequest, sink domain.TransferSink) (domain.CommitOutcome, error) {
	if err := a.reachContainer(ctx, "commit", r.Container); err != nil {
		return domain.CommitOutcome{}, err
	}
	name, err := newName(r.Name)
	if err != nil {
		return domain.CommitOutcome{}, err
	}
	config, err := a.engine.containerConfig(ctx, r.Container)
	if err != nil {
		return domain.CommitOutcome{}, err
	}
	labels := map[string]string{}
	maps.Copy(labels, config.Labels)
	maps.Copy(labels, r.Labels)
	config.Labels = labels
	sink.Tell(domain.TransferEvent{Kind: domain.TransferCommitStarted, Src: r.Container, Dst: name.Canonical()})
	id, err := a.engine.commit(ctx, r.Container, config)
	if err != nil {
		return domain.CommitOutcome{}, err
	}
	out, err := a.committed(ctx, id, name.Canonical(), r.Labels)
	if err != nil {
		a.takeBack(ctx, id)
		return domain.CommitOutcome{}, err
	}
	sink.Tell(domain.TransferEvent{Kind: domain.TransferCommitFinished, Src: r.Container, Dst: name.Canonical()})
	return out, nil
}

// committed checks what was committed, and names it. Podman takes no labels.
func (a *agent) committed(ctx context.Context, id, name string, labels map[string]string) (domain.CommitOutcome, error) {
	unlock, err := a.names.lock(ctx, name)
	if err != nil {
		return domain.CommitOutcome{}, err
	}
	defer unlock()
	image, there, err := a.engine.inspect(ctx, id)
	switch {
	case err != nil:
		return domain.CommitOutcome{}, err
	case !there:
		return domain.CommitOutcome{}, domain.Errorf(domain.CodeUnavailable, reasonFailed, name, "the engine does not have what it committed; something else removes images")
	}
	for key, value := range labels {
		if has, ok := image.labels[key]; !ok || has != value {
			return domain.CommitOutcome{}, domain.Errorf(domain.CodePrecondition, reasonUnsupported, a.engine.on, "the agent's engine does not label what it commits")
		}
	}
	if err := a.engine.tag(ctx, image.id, name); err != nil {
		return domain.CommitOutcome{}, err
	}
	return domain.CommitOutcome{Digest: image.digest, SizeBytes: image.size}, nil
}
