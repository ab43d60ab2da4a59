package view

import (
	"strconv"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// Node is an image with what lists show beside it.
type Node struct {
	domain.ImageDetail
	Agents []domain.InstalledImage // nil: not asked for, or not for this caller
}

// Labels are the registry's.
func (n Node) Labels() []KVPair { return Pairs(n.ImageDetail.Labels) }

// OperatorLabels are an operator's.
func (n Node) OperatorLabels() []KVPair { return Pairs(n.ImageDetail.OperatorLabels) }

// CustomLimits are an operator's.
func (n Node) CustomLimits() []domain.ResourceLimit { return Limits(n.ImageDetail.CustomLimits) }

// Installed reports whether any agent holds the image.
func (n Node) Installed() bool { return n.InstalledCount > 0 }

// ImageHolders are the agents that hold one image.
type ImageHolders struct {
	ImageID domain.ImageID
	Agents  []domain.InstalledImage
}

// InstalledAgents are the images that somebody holds, with their holders.
type InstalledAgents struct{ Agents []ImageHolders }

// ImageConnection is one page of images.
type ImageConnection struct {
	Edges      []ImageEdge
	PageInfo   PageInfo
	TotalCount *int // nil: not asked for
}

// ImageEdge is one image of a page.
type ImageEdge struct {
	Node   *Node
	Cursor string
}

// PageInfo says where the next page begins.
type PageInfo struct {
	HasNextPage bool
	EndCursor   *string // nil: the page is empty
}

// ImageCursor is the position after an image in lists of that order, as the
// catalogue makes it; p is a checked page.
func ImageCursor(p domain.Page, i domain.Image) string {
	c := domain.Cursor{Sort: p.Sort, Desc: p.Desc, ID: string(i.ID)}
	switch p.Sort {
	case "name":
		c.Key = i.Name
	case "size_bytes":
		c.Key = strconv.FormatInt(i.SizeBytes, 10)
	case "created_at":
		c.Key = domain.CursorTime(i.CreatedAt)
	case "updated_at":
		c.Key = domain.CursorTime(i.UpdatedAt)
	case "last_used_at":
		c.Key = domain.CursorTime(i.LastUsedAt)
		if i.LastUsedAt.IsZero() { // never sorts as long ago
			c.Key = domain.CursorTime(time.Unix(0, 0))
		}
	default:
		c.Key = i.Canonical()
	}
	return c.String()
}
