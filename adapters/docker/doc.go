// Package docker is an agent that speaks to a container engine through its API:
// Docker Engine from API 1.40 on, and what speaks the same protocol, such as
// Podman's socket.
//
// What belongs here: reaching an engine (unix socket, TLS, ssh), its list of
// images and of the containers that use them, pulls that it makes itself, and
// removals. What does not: registries (adapters/registry), agents without an
// engine (adapters/ocilayout), and any decision about which images a node needs.
//
// An image is what a tag of the engine points to; an engine holds one
// architecture per tag. The digest of an inventory is the image's id, which is
// the digest of its configuration; an engine with the containerd image store
// tells the digest of the manifest instead. How a registry is reached (plain
// http, certificates, mirrors, token servers) is the engine's configuration.
package docker
