// Package docker is an agent that speaks to a container engine through its API,
// and the engine at hand as a local store of images: Docker Engine from API 1.40
// on, and Podman's socket.
//
// What belongs here: reaching an engine (unix socket, TLS, ssh), its images and
// the containers that use them, and what it does itself: pulls, pushes, builds,
// commits and removals. What does not: registries (adapters/registry), agents without an
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
// Pushes and fetches pass on what the engine says of each layer instead. It tells
// no bytes that could be added up: of layers that are small it says nothing, and
// of a push it counts them before they are compressed.
//
// # Names that a transfer needs
//
// An engine pushes the tag of its own that has the registry's name, and names by
// digest what it pulls. Such names are gone afterwards, also after a failure, and
// what had them before has them again; not when the engine stops answering
// meanwhile. Calls of one agent wait for each other where they need the same
// name. Another process that pushes the same image at the same time may take the
// tag away too early: that push then fails as if the image were not there.
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
