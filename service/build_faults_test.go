package service_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// Whatever call of the database fails: what is left is nothing, an image, or a
// row that is being built, which goes away or is taken over once its time is
// over. An image that was there stays.
func TestABuildThatLosesTheDatabaseLeavesNothingThatStaysInTheWay(t *testing.T) {
	t.Parallel()
	for _, overwrite := range []bool{false, true} {
		for n := 1; ; n++ {
			y := newBuildYard(t)
			flaky := &fleetFlaky{Store: y.store}
			var old domain.BuiltImage
			if overwrite {
				old = y.built(y.root, actions.BuildImageAction{Name: "i"})
			}
			svc := y.again(withBuilders(y.sources, y.nodes), func(c *service.Config) { c.Store = flaky })
			flaky.arm(n)
			_, err := svc.BuildImage(y.root, actions.BuildImageAction{Name: "i", ModelID: y.model.ID, Overwrite: overwrite})
			calls := flaky.made()
			rows := y.rows()
			if overwrite {
				require.Len(t, rows, 1, calls)
				require.Equal(t, old.Local, rows[0].Local, calls)
				require.NotEmpty(t, rows[0].Digest, calls)
			}
			images, _ := y.node.has()
			require.LessOrEqual(t, len(images), 1, calls)
			if len(rows) == 0 {
				require.Empty(t, images, "%v left an image without a row", calls)
			}
			later := y.again(withBuilders(y.sources, y.nodes), func(c *service.Config) {
				c.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
			})
			again, againErr := later.BuildImage(y.root, actions.BuildImageAction{Name: "i", ModelID: y.model.ID, Overwrite: true})
			require.NoError(t, againErr, calls)
			require.Equal(t, domain.BuildDone, again.Image.State, calls)
			images, _ = y.node.has()
			require.Equal(t, []string{again.Image.Local}, images, calls)
			if n > len(calls) {
				require.NoError(t, err)
				break
			}
		}
	}
}

// A deletion that loses the database is done by the next one.
func TestADeletionThatLosesTheDatabaseIsRepeated(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		y := newBuildYard(t)
		mine, other := y.populated()
		flaky := &fleetFlaky{Store: y.store}
		svc := y.again(withBuilders(y.sources, y.nodes), func(c *service.Config) { c.Store = flaky })
		flaky.arm(n)
		_, err := svc.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: mine.ID, Cascade: true})
		calls := flaky.made()
		if err != nil {
			_, err = y.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: mine.ID, Cascade: true})
			if domain.CodeOf(err) != domain.CodeNotFound { // it was the trail that was lost
				require.NoError(t, err, calls)
			}
		}
		images, containers := y.node.has()
		require.Equal(t, []string{other.Local}, images, calls)
		require.Equal(t, []string{"o1", "o2"}, containers, calls)
		require.Len(t, y.rows(), 1, calls)
		if n > len(calls) {
			break
		}
	}
}
