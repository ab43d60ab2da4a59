package service

import (
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// ParseReference tells what a name means; nothing is looked up. Errors: invalid,
// with the reason of the fault; cluster_unknown for a cluster that is not
// configured.
func (s *CatalogService) ParseReference(ctx context.Context, a actions.ParseReferenceAction) (actions.ParseReferenceResult, error) {
	return scoped(ctx, s.door, a, s.parseReference)
}

func (s *CatalogService) parseReference(_ context.Context, _ repository.Scoped, a actions.ParseReferenceAction) (res actions.ParseReferenceResult, err error) {
	clusters, mode := s.names.parser.Clusters, domain.TagMode(a.Tag)
	var remote domain.RemoteImage
	switch a.Kind {
	case actions.ReferenceLocal:
		return s.parseLocal(a.Text)
	case actions.ReferenceRemote:
		remote, err = clusters.ParseRemote(a.Text, mode)
	case actions.ReferencePlatform:
		remote, err = clusters.ParsePlatform(a.Text, mode)
	default:
		ref, err := s.names.parser.Parse(a.Text)
		if err != nil {
			return res, err
		}
		res = parts(ref)
		// Not every name has this form, and it needs none.
		if remote, err := clusters.RemoteOf(ref); err == nil {
			showRemote(&res, clusters, remote)
		}
		return res, nil
	}
	if err != nil {
		return res, err
	}
	ref, err := remote.Reference()
	if err != nil {
		return res, err
	}
	res = parts(ref)
	showRemote(&res, clusters, remote)
	return res, nil
}

// parseLocal reads a name as engines do, which know no default registry of ours.
func (s *CatalogService) parseLocal(text string) (res actions.ParseReferenceResult, err error) {
	local, err := s.names.parser.Clusters.ParseLocal(text)
	if err != nil {
		return res, err
	}
	ref, err := domain.ParseReference(local.String())
	if err != nil {
		return res, err
	}
	res = parts(ref)
	res.Local, res.DockerURL, res.Short = &local, local.String(), local.String()
	return res, nil
}

func parts(ref domain.Reference) actions.ParseReferenceResult {
	return actions.ParseReferenceResult{
		Registry: ref.Registry, Path: ref.Path, Tag: ref.Tag, Digest: ref.Digest,
		Canonical: ref.Canonical(), DockerURL: ref.Canonical(), Short: ref.Short(),
	}
}

func showRemote(res *actions.ParseReferenceResult, clusters domain.Clusters, i domain.RemoteImage) {
	res.Remote, res.Owner, res.DockerURL = &i, i.Owner(), i.AsDockerURL(false)
	if i.IsPlatform() {
		res.URI = i.String()
		res.Short = clusters.Short(res.URI)
	}
}
