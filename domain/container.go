package domain

import "time"

// Container is a container of a node that was made from an image: an instance
// of it.
type Container struct {
	ID        string    `json:"id"` // of the engine
	Name      string    `json:"name"`
	Image     Digest    `json:"image"`                // configuration of the image that it runs
	ImageName string    `json:"image_name,omitempty"` // as it was named when the container was made; may be an id
	Running   bool      `json:"running"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	// Labels are those it was made with, and those of its image that these do not
	// replace. [LabelOwnerUserID] says whose it is. They stay within: they may hold
	// what is nobody's business.
	Labels map[string]string `json:"-"`
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
