package domain

import "time"

// Container is a container of a node that was made from an image: an instance
// of it.
type Container struct {
	ID        string    `json:"id"` // of the engine
	Name      string    `json:"name"`
	Image     Digest    `json:"image"` // configuration of the image that it runs
	Running   bool      `json:"running"`
	CreatedAt time.Time `json:"created_at,omitzero"`
}

// CommitRequest asks a node to make an image of a container.
type CommitRequest struct {
	Container string
	Name      string            // of the image on the node: registry/path:tag
	Labels    map[string]string // added to those that the image has
}

// CommitOutcome tells what a commit made.
type CommitOutcome struct {
	Digest    Digest // of the configuration
	SizeBytes int64
}
