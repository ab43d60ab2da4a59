package integration_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/tests/containers"
	"github.com/wharf-project/wharf/tests/kernels"
)

// The four operation scenarios of the image service's documentation, with its
// names, its order and its values.

func TestScenario1RemovingUnusedImages(t *testing.T) {
	t.Parallel()
	s := newSite(t, containers.DistributionV3)
	s.register(t, "docker.io")
	s.agent(t, "agent-1")
	s.push(t, kernels.Image{Repository: "library/old-app", Tag: "v1.0"})
	_, err := s.ScanImage(s.root, actions.ScanImageAction{Reference: "old-app:v1.0"})
	require.NoError(t, err)
	preloaded, err := s.PreloadImages(s.root, actions.PreloadImagesAction{Images: []actions.ImageRef{{Name: "old-app:v1.0"}}, TargetAgents: "agent-1"})
	require.NoError(t, err)
	require.Equal(t, 1, preloaded.Account.Done, "%+v", preloaded.Outcomes)
	imageID := s.get(t, "old-app:v1.0").ID

	// 1. Soft delete to mark as inactive
	forgotten, err := s.ForgetImage(s.root, actions.ForgetImageAction{Reference: "old-app:v1.0", Architecture: "x86_64"})
	require.NoError(t, err)
	require.Equal(t, domain.ImageForgotten, forgotten.Image.Status)
	require.Equal(t, imageID, forgotten.Image.ID)

	// 2. Purge from agents
	purged, err := s.PurgeImages(s.root, actions.PurgeImagesAction{
		Keys: []actions.PurgeImagesKey{{
			AgentID: "agent-1",
			Images:  []actions.ImageRef{{Name: "old-app:v1.0", Architecture: "x86_64"}},
		}},
		Force:   true,
		NoPrune: false,
	})
	require.NoError(t, err)
	require.Empty(t, purged.Errors)
	require.Equal(t, []string{"docker.io/library/old-app:v1.0"}, purged.PurgedImages[0].PurgedImages)
	require.Positive(t, purged.FreedBytes)

	// 3. Hard delete from database
	_, err = s.PurgeImageByID(s.root, actions.PurgeImageByIDAction{ImageID: imageID})
	require.NoError(t, err)
	_, err = s.GetImage(s.root, actions.GetImageAction{Reference: string(imageID), Statuses: domain.ImageStatuses()})
	require.ErrorIs(t, err, domain.ErrNotFound)
}

func TestScenario2CreatingUserFriendlyAliases(t *testing.T) {
	t.Parallel()
	s := newSite(t, containers.DistributionV3)
	s.register(t, "nvcr.io")
	s.push(t, kernels.Image{Repository: "nvidia/tensorflow", Tag: "22.12-tf2-py3"})
	_, err := s.RescanImages(s.root, actions.RescanImagesAction{Registry: "nvcr.io"})
	require.NoError(t, err)

	// Create alias for complex image name
	alias, err := s.AliasImage(s.root, actions.AliasImageAction{
		Alias:          "tensorflow-gpu",
		ImageCanonical: "nvcr.io/nvidia/tensorflow:22.12-tf2-py3",
		Architecture:   "x86_64",
	})
	require.NoError(t, err)

	// Users can now reference the image as "tensorflow-gpu"
	got, err := s.GetImage(s.root, actions.GetImageAction{Reference: "tensorflow-gpu"})
	require.NoError(t, err)
	require.Equal(t, alias.ImageID, got.Image.ID)
	require.Equal(t, []string{"tensorflow-gpu"}, got.Image.Aliases)
}

func TestScenario3UpdatingImageResourceLimits(t *testing.T) {
	t.Parallel()
	s := newSite(t, containers.DistributionV3)
	s.register(t, "docker.io")
	s.push(t, kernels.Image{Repository: "library/compute-heavy", Tag: "latest"})
	_, err := s.ScanImage(s.root, actions.ScanImageAction{Reference: "compute-heavy:latest"})
	require.NoError(t, err)
	defaults := []domain.ResourceLimit{{Key: "cpu", Min: "1"}, {Key: "mem", Min: "1073741824"}}
	require.Equal(t, defaults, s.get(t, "compute-heavy:latest").ResourceLimits())

	// Set custom resource limits
	_, err = s.ModifyImage(s.root, actions.ModifyImageAction{
		Target:       "compute-heavy:latest",
		Architecture: "x86_64",
		Modifier: actions.ImageModifier{
			ResourceLimits: domain.Set(domain.Limits{"cpu": {Min: "8"}, "memory": {Min: "32G"}, "gpu": {Min: "2"}}),
		},
	})
	require.NoError(t, err)
	require.Equal(t, []domain.ResourceLimit{{Key: "cpu", Min: "8"}, {Key: "gpu", Min: "2"}, {Key: "mem", Min: "32G"}},
		s.get(t, "compute-heavy:latest").ResourceLimits())

	// Clear custom limits to use defaults
	_, err = s.ClearImageCustomResourceLimit(s.root, actions.ClearImageCustomResourceLimitAction{
		ImageCanonical: "compute-heavy:latest",
		Architecture:   "x86_64",
	})
	require.NoError(t, err)
	require.Equal(t, defaults, s.get(t, "compute-heavy:latest").ResourceLimits())
}

func TestScenario4MultiAgentImageCleanup(t *testing.T) {
	t.Parallel()
	s := newSite(t, containers.DistributionV3)
	s.register(t, "docker.io")
	s.agent(t, "agent-1")
	s.agent(t, "agent-2")
	s.push(t, kernels.Image{Repository: "library/app", Tag: "old"}, kernels.Image{Repository: "library/cache", Tag: "old"})
	_, err := s.RescanImages(s.root, actions.RescanImagesAction{Registry: "docker.io"})
	require.NoError(t, err)
	for agents, names := range map[string][]actions.ImageRef{"agent-1,agent-2": {{Name: "app:old"}}, "agent-1": {{Name: "cache:old"}}} {
		res, err := s.PreloadImages(s.root, actions.PreloadImagesAction{Images: names, TargetAgents: agents})
		require.NoError(t, err)
		require.Zero(t, res.Account.Failed, "%+v", res.Outcomes)
	}

	// Purge images from multiple agents in parallel
	result, err := s.PurgeImages(s.root, actions.PurgeImagesAction{
		Keys: []actions.PurgeImagesKey{
			{
				AgentID: "agent-1",
				Images: []actions.ImageRef{
					{Name: "app:old", Architecture: "x86_64"},
					{Name: "cache:old", Architecture: "x86_64"},
				},
			},
			{
				AgentID: "agent-2",
				Images:  []actions.ImageRef{{Name: "app:old", Architecture: "x86_64"}},
			},
		},
		Force:   true,
		NoPrune: false,
	})
	require.NoError(t, err)

	// Check results
	var lines []string
	for _, purged := range result.PurgedImages {
		lines = append(lines, fmt.Sprintf("Agent %s: %d images purged", purged.AgentID, len(purged.PurgedImages)))
	}
	for _, e := range result.Errors {
		lines = append(lines, fmt.Sprintf("Error: %s", e))
	}
	require.Equal(t, []string{"Agent agent-1: 2 images purged", "Agent agent-2: 1 images purged"}, lines)
	held, err := s.GetImageInstalledAgents(s.root, actions.GetImageInstalledAgentsAction{ImageIDs: []domain.ImageID{s.get(t, "app:old").ID}})
	require.NoError(t, err)
	require.Empty(t, held.Agents)
}
