package integration_test

import (
	"context"
	"errors"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// sdkImages is the documented subsystem of images of an SDK; "None" is nil, or
// "" for the name of a cluster.
type sdkImages interface {
	Push(ctx context.Context, local domain.LocalImage, remote *domain.RemoteImage, progress sdkProgress) (domain.RemoteImage, error)
	Pull(ctx context.Context, remote domain.RemoteImage, local *domain.LocalImage, progress sdkProgress) (domain.LocalImage, error)
	Digest(ctx context.Context, image domain.RemoteImage) (string, error)
	Rm(ctx context.Context, image domain.RemoteImage, digest string) (string, error)
	List(ctx context.Context, cluster string) ([]domain.RemoteImage, error)
	Tags(ctx context.Context, image domain.RemoteImage) ([]domain.RemoteImage, error)
	Size(ctx context.Context, image domain.RemoteImage) (int64, error)
	TagInfo(ctx context.Context, image domain.RemoteImage) (sdkTag, error)
}

// sdkProgress is the documented interface of progress.
type sdkProgress interface {
	Pull(data sdkProgressPull)
	Push(data sdkProgressPush)
	Step(data sdkProgressStep)
}

type (
	sdkProgressPull struct {
		Src domain.RemoteImage
		Dst domain.LocalImage
	}
	sdkProgressPush struct {
		Src domain.LocalImage
		Dst domain.RemoteImage
	}
	sdkProgressStep struct{ LayerID, Message string }
	sdkTag          struct {
		Name string
		Size int64
	}
)

// overActions is the subsystem over the actions of a service.
type overActions struct {
	svc      *service.ImageService
	clusters domain.Clusters
	store    string // the engine
}

var _ sdkImages = overActions{}

func (o overActions) Push(ctx context.Context, local domain.LocalImage, remote *domain.RemoteImage, progress sdkProgress) (domain.RemoteImage, error) {
	a := actions.PushImageAction{Local: local.String(), Store: o.store}
	if remote != nil {
		a.Remote = remote.String()
	}
	res, err := o.svc.PushImage(o.telling(ctx, progress), a)
	if err != nil {
		return domain.RemoteImage{}, err
	}
	return o.clusters.ParseRemote(res.Image, domain.TagDefault)
}

func (o overActions) Pull(ctx context.Context, remote domain.RemoteImage, local *domain.LocalImage, progress sdkProgress) (domain.LocalImage, error) {
	a := actions.PullImageAction{Remote: remote.String(), Store: o.store}
	if local != nil {
		a.Local = local.String()
	}
	res, err := o.svc.PullImage(o.telling(ctx, progress), a)
	if err != nil {
		return domain.LocalImage{}, err
	}
	return o.clusters.ParseLocal(res.Local)
}

func (o overActions) Digest(ctx context.Context, image domain.RemoteImage) (string, error) {
	res, err := o.svc.GetImageDigest(ctx, actions.GetImageDigestAction{Image: image.String()})
	return string(res.Digest), err
}

func (o overActions) Rm(ctx context.Context, image domain.RemoteImage, digest string) (string, error) {
	res, err := o.svc.RemoveRemoteImage(ctx, actions.RemoveRemoteImageAction{Images: []string{image.String()}, Digest: domain.Digest(digest)})
	if err != nil {
		return "", err
	}
	if one := res.Outcomes[0]; one.Problem != nil {
		return "", domain.Errorf(one.Problem.Code, one.Problem.Reason, one.Problem.On, "%s", one.Problem.Message)
	}
	return string(res.Outcomes[0].Digest), nil
}

func (o overActions) List(ctx context.Context, cluster string) (images []domain.RemoteImage, err error) {
	of, err := o.clusters.Get(cluster)
	if err != nil {
		return nil, err
	}
	for a := (actions.ListRemoteImagesAction{Registry: of.Registry, Page: domain.Page{Limit: 2}}); ; {
		res, err := o.svc.ListRemoteImages(ctx, a)
		if err != nil {
			return nil, err
		}
		for _, r := range res.Images {
			i, err := o.clusters.ParsePlatform(r.URI, domain.TagForbidden)
			if err != nil {
				return nil, err
			}
			images = append(images, i)
		}
		if a.After = res.Next; a.After == "" {
			return images, nil
		}
	}
}

func (o overActions) Tags(ctx context.Context, image domain.RemoteImage) (images []domain.RemoteImage, err error) {
	for a := (actions.ListImageTagsAction{Image: image.String(), Page: domain.Page{Limit: 1}}); ; {
		res, err := o.svc.ListImageTags(ctx, a)
		if err != nil {
			return nil, err
		}
		for _, tag := range res.Tags {
			i, err := image.WithTag(tag.Name)
			if err != nil {
				return nil, err
			}
			if i.String() != tag.URI {
				return nil, errors.New("the action tells another URI: " + tag.URI)
			}
			images = append(images, i)
		}
		if a.After = res.Next; a.After == "" {
			return images, nil
		}
	}
}

func (o overActions) Size(ctx context.Context, image domain.RemoteImage) (int64, error) {
	res, err := o.svc.GetImageSize(ctx, actions.GetImageSizeAction{Image: image.String()})
	return res.SizeBytes, err
}

func (o overActions) TagInfo(ctx context.Context, image domain.RemoteImage) (sdkTag, error) {
	res, err := o.svc.GetTagInfo(ctx, actions.GetTagInfoAction{Image: image.String()})
	return sdkTag{res.Name, res.SizeBytes}, err
}

// telling makes the callbacks of the events of a transfer.
func (o overActions) telling(ctx context.Context, p sdkProgress) context.Context {
	if p == nil {
		return ctx
	}
	// A name that is none shows as the zero value, which no test takes.
	local := func(s string) domain.LocalImage { i, _ := o.clusters.ParseLocal(s); return i }
	remote := func(s string) domain.RemoteImage { i, _ := o.clusters.ParseRemote(s, domain.TagDefault); return i }
	return domain.WithTransferSink(ctx, func(e domain.TransferEvent) {
		switch e.Kind {
		case domain.TransferPull:
			p.Pull(sdkProgressPull{remote(e.Src), local(e.Dst)})
		case domain.TransferPush:
			p.Push(sdkProgressPush{local(e.Src), remote(e.Dst)})
		case domain.TransferStep:
			p.Step(sdkProgressStep{e.LayerID, e.Message})
		}
	})
}
