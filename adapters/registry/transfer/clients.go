package transfer

import (
	"reflect"
	"sync"

	"github.com/wharf-project/wharf/adapters/registry/oci"
	"github.com/wharf-project/wharf/domain"
)

// maxClients bounds the registries that a store stays connected to.
const maxClients = 8

// clients keeps what was opened, so that images which go to one registry share
// tokens and connections.
type clients struct {
	options oci.Options

	mu     sync.Mutex
	opened []opened // the last used one is last
}

type opened struct {
	row    domain.Registry
	client *oci.Client
}

func (c *clients) open(row domain.Registry) (*oci.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, o := range c.opened {
		if reflect.DeepEqual(o.row, row) {
			c.opened = append(append(c.opened[:i:i], c.opened[i+1:]...), o)
			return o.client, nil
		}
	}
	client, err := oci.New(row, c.options)
	if err != nil {
		return nil, err
	}
	if len(c.opened) == maxClients {
		_ = c.opened[0].client.Close()
		c.opened = c.opened[1:]
	}
	c.opened = append(c.opened, opened{row, client})
	return client, nil
}

func (c *clients) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range c.opened {
		_ = o.client.Close()
	}
	c.opened = nil
}
