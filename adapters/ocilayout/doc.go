// Package ocilayout is an agent without a daemon: a directory that holds images
// as an OCI image layout (image specification v1.1), one entry of index.json per
// canonical and architecture.
//
// What belongs here: the layout on disk, pulling into it, removing from it, and
// the note of which containers use what. What does not: registries' listings
// (adapters/registry) and any other agent. The directory belongs to the agent:
// blobs that nothing in index.json refers to are deleted by the next removal,
// entries of other tools are kept.
package ocilayout
