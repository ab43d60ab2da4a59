// Package docker is an agent that speaks to a container engine through its API:
// Docker Engine from API 1.40 on, and Podman's socket.
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
//
// # Progress
//
// A pull reports the compressed bytes of all layers that the engine told of so
// far. A byte counts half when it has arrived and half when it is unpacked, so
// Current grows while either goes on, at least once a second as long as the
// engine tells of it, and with nothing else: not while the engine waits for the
// registry, tries again, or only says that it is alive. Total grows when the
// engine tells of a layer. Layers that are there already are not counted.
//
// # Podman
//
// Podman 4.3 differs in this. It does not tell the variant of an architecture:
// every 32-bit ARM is arm/v7 in its inventory. It cannot look a tag up: without
// a manifest the tag is pulled and put back if it does not fit, and a manifest
// that the registry lacks is digest_mismatch also when the tag is gone. It tells
// bytes once a second and of layers that take longer than that, and nothing
// while it unpacks; a registry that refuses connections is tried for seconds.
package docker
