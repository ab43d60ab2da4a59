package transfer

import (
	"bytes"
	"context"
	"io"
	"maps"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	ggcr "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/wharf-project/wharf/domain"
)

// scratch is the base image that is none.
const scratch = "scratch"

// builder is a store that can build: the layout's.
type builder struct {
	*store
	layout *layout
}

// Build implements port.Builder for templates without requirements: files are
// put on top of the base image as one layer, below /app, which becomes the
// working directory. Nothing is run. The same input gives the same digests. The
// base image is what the layout has under its name, else it is fetched from
// r.Base and stays under its name; without r.Base only the layout is asked.
func (b *builder) Build(ctx context.Context, r domain.BuildRequest, sink domain.TransferSink) (domain.BuildOutcome, error) {
	if err := domain.RefuseInTx(ctx, "transfer: build"); err != nil {
		return domain.BuildOutcome{}, err
	}
	if err := ctx.Err(); err != nil {
		return domain.BuildOutcome{}, domain.Wrap("transfer: build", err)
	}
	t := r.Source.Template
	switch {
	case r.Source.Type != domain.BuildFromTemplate:
		return domain.BuildOutcome{}, unsupported(r.Name, "only templates are built without an engine")
	case t == nil:
		return domain.BuildOutcome{}, domain.Invalid("template_invalid", "template", "there is no template")
	case len(t.Requirements) > 0:
		return domain.BuildOutcome{}, unsupported(r.Name, "requirements are not installed without an engine")
	}
	top, err := annotate(descriptor{}, r.Name, domain.Reference{})
	if err != nil {
		return domain.BuildOutcome{}, err
	}
	architecture := r.Architecture
	if architecture == "" {
		architecture = domain.HostArchitecture()
	}
	arch, err := domain.NormalizeArchitecture(architecture)
	if err != nil {
		return domain.BuildOutcome{}, err
	}
	layer, err := layerOf(t.Files)
	if err != nil {
		return domain.BuildOutcome{}, err
	}
	say := func(message string) { sink.Tell(domain.TransferEvent{Kind: domain.TransferBuild, Message: message}) }
	say("base image " + t.BaseImage + " for " + arch)
	base, err := b.base(ctx, t.BaseImage, arch, r.Base, sink)
	if err != nil {
		return domain.BuildOutcome{}, err
	}
	img, err := assemble(base, arch, layer, t, r.Labels)
	if err != nil {
		return domain.BuildOutcome{}, storageError(b.layout.String(), "build", err)
	}
	out, err := b.install(ctx, r.Name, top, img, layer)
	if err == nil {
		say("built " + out.Digest.String())
	}
	return out, err
}

func unsupported(on, why string) error {
	return domain.Errorf(domain.CodePrecondition, reasonBuild, on, "this cannot be built here: %s", why)
}

// base finds the image to build on.
func (b *builder) base(ctx context.Context, name, arch string, row *domain.Registry, sink domain.TransferSink) (v1.Image, error) {
	if name == scratch {
		return mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), nil
	}
	ref, err := domain.ParseReference(name)
	if err != nil {
		return nil, err
	}
	local := ref
	if ref.Digest != "" { // a name for what has none
		local.Tag, local.Digest = ref.Digest.Algorithm()+"-"+ref.Digest.Hex(), ""
	}
	for fetched := false; ; fetched = true {
		have, err := b.layout.look(ctx)
		if err != nil {
			return nil, err
		}
		_, all, err := have.choose(local.Canonical(), arch)
		have.close()
		if err == nil {
			h, err := v1.NewHash(all.top().desc.Digest.String())
			if err != nil {
				return nil, err
			}
			img, err := ggcr.Path(b.layout.dir).Image(h)
			return img, storageError(b.layout.String(), "read", err)
		}
		if fetched || row == nil || domain.ReasonOf(err) != reasonNoImage && domain.ReasonOf(err) != reasonIncomplete {
			return nil, err
		}
		if _, err := b.Fetch(ctx, domain.FetchRequest{Remote: ref, Registry: *row, Architecture: arch, Local: local.Canonical()}, sink); err != nil {
			return nil, err
		}
	}
}

// assemble puts the layer and the rest of a template on a base image.
func assemble(base v1.Image, arch string, layer []byte, t *domain.BuildTemplate, labels map[string]string) (v1.Image, error) {
	kind, err := base.MediaType()
	if err != nil {
		return nil, err
	}
	img := base
	if layer != nil {
		media := types.OCILayer
		if kind == types.DockerManifestSchema2 {
			media = types.DockerLayer
		}
		img, err = mutate.Append(base, mutate.Addendum{
			Layer: &fixedLayer{raw: layer, media: media}, History: v1.History{CreatedBy: "wharf build", Comment: "files of a template"},
		})
		if err != nil {
			return nil, err
		}
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	cfg = cfg.DeepCopy()
	if t.BaseImage == scratch {
		cfg.OS = "linux"
		cfg.Architecture, cfg.Variant = domain.OCIPlatform(arch)
	}
	cfg.Config.WorkingDir = workDir
	if t.Command != nil {
		cfg.Config.Cmd = t.Command
	}
	if len(labels) > 0 {
		all := maps.Clone(cfg.Config.Labels)
		if all == nil {
			all = map[string]string{}
		}
		maps.Copy(all, labels)
		cfg.Config.Labels = all
	}
	return mutate.ConfigFile(img, cfg)
}

// install writes what is new of an image, and names it.
func (b *builder) install(ctx context.Context, name string, top descriptor, img v1.Image, layer []byte) (domain.BuildOutcome, error) {
	manifest, err := img.RawManifest()
	if err != nil {
		return domain.BuildOutcome{}, storageError(b.layout.String(), "build", err)
	}
	config, err := img.RawConfigFile()
	if err != nil {
		return domain.BuildOutcome{}, storageError(b.layout.String(), "build", err)
	}
	kind, err := img.MediaType()
	if err != nil {
		return domain.BuildOutcome{}, storageError(b.layout.String(), "build", err)
	}
	top.MediaType, top.Digest, top.Size = string(kind), sha256Of(manifest), int64(len(manifest))
	all, err := plant(top, func(descriptor) ([]byte, error) { return manifest, nil })
	if err != nil {
		return domain.BuildOutcome{}, err
	}
	to, err := b.layout.receive(ctx, incoming{name: name, top: top, tree: all})
	if err != nil {
		return domain.BuildOutcome{}, err
	}
	defer to.close()
	fresh := map[domain.Digest][]byte{sha256Of(config): config, sha256Of(layer): layer}
	for _, blob := range all.blobs {
		at, err := to.take(ctx, blob)
		if err != nil {
			return domain.BuildOutcome{}, err
		}
		if at == nil {
			continue
		}
		raw, made := fresh[blob.Digest]
		if !made { // the base image was taken away meanwhile
			at.drop()
			return domain.BuildOutcome{}, incomplete(blob.Digest)
		}
		if _, err := io.Copy(at, bytes.NewReader(raw)); err != nil {
			at.drop()
			return domain.BuildOutcome{}, err
		}
		if err := at.keep(); err != nil {
			return domain.BuildOutcome{}, err
		}
	}
	return domain.BuildOutcome{Digest: all.config, SizeBytes: all.size}, to.install(ctx)
}
