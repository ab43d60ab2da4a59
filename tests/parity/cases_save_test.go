package parity_test

import (
	"context"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// saveExamples are about containers that become images. The node engine-1 has
// two: c1 of alice, c2 of nobody.
func saveExamples() []example {
	return []example{
		{"image.save", root, `{"agent_id":"engine-1","container":"c2","remote":"cr.example.org/web/saved:1","labels":{"team":"ml"}}`, has(`"cr.example.org/web/saved:1"`)},
		{"image.save", alice, `{"agent_id":"engine-1","container":"c1","remote":"cr.example.org/web/saved:1"}`, has(`"digest":"sha256:`)},
		{"image.save", alice, `{"agent_id":"engine-1","container":"c1","remote":"cr.example.org/app:alice","dry_run":true}`, has(`"dry_run":true`)},
		{"image.save", alice, `{"agent_id":"engine-1","container":"c1"}`, fails("forbidden/repository_out_of_reach")},
		{"image.save", alice, `{"agent_id":"engine-1","container":"c1","remote":"cr.example.org/python:3.12"}`, fails("forbidden/tag_out_of_reach")},
		{"image.save", alice, `{"agent_id":"engine-1","container":"c2","remote":"cr.example.org/web/saved:1"}`, fails("not_found/container_not_found")},
		{"image.save", alice, `{"agent_id":"nothing","container":"c1","remote":"cr.example.org/web/saved:1"}`, fails("not_found/container_not_found")},
		{"image.save", root, `{"agent_id":"nothing","container":"c1","remote":"cr.example.org/web/saved:1"}`, fails("not_found/agent_not_found")},
		{"image.save", root, `{"agent_id":"rack-1","container":"c1","remote":"cr.example.org/web/saved:1"}`, fails("precondition/save_unsupported")},
		{"image.save", mallory, `{"agent_id":"engine-1","container":"c1","remote":"cr.example.org/web/saved:1"}`, fails("not_found/registry_not_found")},
		{"image.save", alice, `{"agent_id":"engine-1","container":"c1","remote":"cr.example.org/web/saved:1","labels":{"ai.backend.customized-image.owner":"user:root"}}`, fails("invalid/label_reserved")},
		{"image.save", alice, `{"agent_id":"engine-1","container":"a b"}`, fails("invalid/name_invalid")},
	}
}

// engine is a node with containers, whose pushes arrive in the registries.
type engine struct {
	*porttest.Engine
	registries map[string]*porttest.Registry
}

// newEngine is engine-1, where it holds an image.
func newEngine(o *outside, images []domain.Image) *engine {
	if len(images) == 0 {
		return nil
	}
	i := images[0]
	e := &engine{porttest.NewEngine(nil, domain.InventoryImage{Canonical: i.Canonical(), Architecture: i.Architecture, Digest: i.ConfigDigest, SizeBytes: i.SizeBytes}), o.registries}
	e.Run(i.Canonical(), true, map[string]string{domain.LabelOwnerUserID: string(alice.ID)})
	e.Run(i.Canonical(), true)
	return e
}

// open opens engine-1.
func (o *outside) open(context.Context, domain.Agent) (port.Agent, error) { return o.engine, nil }

// Push leaves the id out, which is another one each time.
func (e *engine) Push(_ context.Context, r domain.PushRequest, sink domain.TransferSink) (domain.PushOutcome, error) {
	sink.Tell(domain.TransferEvent{Kind: domain.TransferPush, Src: r.Local, Dst: r.Remote.Canonical()})
	digest, labels := e.Find(r.Local)
	if digest == "" {
		return domain.PushOutcome{}, domain.NotFound("image", r.Local)
	}
	delete(labels, domain.LabelCustomizedID)
	d := e.registries[r.Remote.Registry].Push(porttest.RegistryContent{
		Repository: r.Remote.Path, Tags: []string{r.Remote.Tag}, Images: []porttest.RegistryImage{{Architecture: "amd64", Labels: labels}},
	})
	return domain.PushOutcome{Digest: d.Digest, SizeBytes: 10, SentBytes: 7}, nil
}
