package service

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

// host picks the agent to build on. The configured one is for everybody; others
// are for those who may use their scaling group.
func (s *BuildService) host(ctx context.Context, db repository.Scoped, asked domain.AgentID) (domain.Agent, error) {
	builds := db.Read().Builds
	switch {
	case asked != "" && asked != s.build.Agent:
		list, err := builds.Hosts(ctx, repository.HostQuery{ID: asked})
		if err == nil && len(list) == 0 {
			err = domain.NotFound("agent", string(asked))
		}
		if err != nil {
			return domain.Agent{}, err
		}
		return list[0], nil
	case s.build.Agent != "":
		host, err := builds.Host(ctx, s.build.Agent)
		if domain.CodeOf(err) == domain.CodeNotFound {
			err = domain.Errorf(domain.CodePrecondition, "build_agent_unset", string(s.build.Agent), "the agent that images are built on is not registered: %s", s.build.Agent)
		}
		return host, err
	}
	return s.onlyHost(ctx, builds)
}

// onlyHost is the one online agent of a kind that can build. One agent tells for
// its kind, so that no large fleet is opened for it.
func (s *BuildService) onlyHost(ctx context.Context, builds repository.BuildRepository) (domain.Agent, error) {
	var found []domain.Agent
	for _, kind := range s.clients.kinds() {
		list, err := builds.Hosts(ctx, repository.HostQuery{Kind: kind, Status: domain.AgentOnline, Limit: 2})
		if err != nil {
			return domain.Agent{}, err
		}
		if len(list) == 0 {
			continue
		}
		agent, err := s.clients.agent(ctx, list[0])
		if err != nil {
			return domain.Agent{}, err
		}
		if _, can := agent.(port.Builder); can {
			found = append(found, list...)
		}
	}
	if len(found) != 1 {
		instead := ""
		if s.local != nil {
			instead = ", or a store in its place: store (--store docker or --store oci:DIR)"
		}
		return domain.Agent{}, domain.Errorf(domain.CodePrecondition, "build_agent_unset", "agent_id", "no agent is configured for building, and there is not exactly one that can build; name one%s", instead)
	}
	return found[0], nil
}

// kinds are the kinds of agents that an adapter serves, sorted.
func (c *clients) kinds() []domain.AgentKind {
	list := make([]domain.AgentKind, 0, len(c.agents))
	for k := range c.agents {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// opened opens the agent of a row that is online.
func (s *BuildService) opened(ctx context.Context, row domain.Agent) (port.Agent, error) {
	if row.Status == domain.AgentOffline {
		return nil, domain.Errorf(domain.CodeUnavailable, "agent_offline", string(row.ID), "the agent %s is offline", row.ID)
	}
	return s.clients.agent(ctx, row)
}

// errUnsupported is about the agent of a row, or about a store.
func errUnsupported(row domain.Agent, store, what string) error {
	if store != "" {
		return domain.Errorf(domain.CodePrecondition, "build_unsupported", store, "the store %s cannot %s", domain.Quote(store), what)
	}
	return domain.Errorf(domain.CodePrecondition, "build_unsupported", string(row.ID), "the agent %s of kind %s cannot %s", row.ID, row.Kind, what)
}

// located resolves the path of a source below the configured folder; links may
// lead to other places in it.
func (s *BuildService) located(source domain.BuildSource) (domain.BuildSource, error) {
	if source.Type == domain.BuildFromTemplate {
		return source, nil
	}
	unset := &domain.Error{Code: domain.CodePrecondition, Reason: "sources_unset", On: "source", Message: "no folder of sources is configured here"}
	if s.build.Sources == "" {
		return source, unset
	}
	root, err := filepath.Abs(s.build.Sources)
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	if err != nil {
		unset.Message, unset.Err = "the folder of sources cannot be read", err
		return source, unset
	}
	missing := func(err error) error {
		return &domain.Error{
			Code: domain.CodePrecondition, Reason: "source_missing", On: source.Path, Err: err,
			Message: "there is no " + string(source.Type) + " in the folder of sources: " + domain.Quote(source.Path),
		}
	}
	local := filepath.FromSlash(source.Path)
	if !filepath.IsLocal(local) {
		return source, missing(nil)
	}
	found, err := filepath.EvalSymlinks(filepath.Join(root, local))
	if err != nil {
		return source, missing(err)
	}
	if found != root && !strings.HasPrefix(found, strings.TrimSuffix(root, string(filepath.Separator))+string(filepath.Separator)) {
		return source, missing(errors.New("a link leads out of the folder"))
	}
	info, err := os.Stat(found)
	if err != nil {
		return source, missing(err)
	}
	if source.Type == domain.BuildFromDirectory && !info.IsDir() || source.Type == domain.BuildFromTarball && !info.Mode().IsRegular() {
		return source, missing(fs.ErrInvalid)
	}
	source.Path = found
	return source, nil
}

// base is how to reach the registry of a template's base image, as far as the
// caller can see it; nil: the node has to know.
func (s *BuildService) base(ctx context.Context, db repository.Scoped, source domain.BuildSource) (*domain.Registry, error) {
	if source.Type != domain.BuildFromTemplate || source.Template.BaseImage == "scratch" {
		return nil, nil
	}
	ref, err := s.names.parser.Parse(source.Template.BaseImage)
	if err != nil {
		return nil, err
	}
	row, err := s.reachable(ctx, db, ref)
	if domain.CodeOf(err) == domain.CodeNotFound {
		return nil, nil
	}
	return &row, err
}

// reachable is the registry of a reference with its password in the clear.
func (s *BuildService) reachable(ctx context.Context, db repository.Scoped, ref domain.Reference) (domain.Registry, error) {
	row, err := db.Read().Registries.Find(ctx, ref.Registry, ref.Path)
	if err != nil {
		return row, err
	}
	return s.clients.unsealed(row)
}
