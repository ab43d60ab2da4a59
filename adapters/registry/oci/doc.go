// Package oci speaks to any registry that implements the OCI distribution
// specification: it lists repositories and tags, describes what is behind a
// tag, deletes tags and manifests, and moves blobs and manifests one by one.
//
// What belongs here: HTTP, authorization, paging, manifests, and the translation
// of what registries answer into coded errors. What does not: the APIs that a
// vendor adds (packages beside this one build on [Client]), the catalogue, and
// any decision about what a scan does with a failure.
//
// # Where credentials go
//
// To the registry's own host, and to a token realm that is on the registry's
// site or listed in the row. A redirect to another origin loses them. Realms and
// redirects that lead to loopback, link-local or metadata addresses are refused
// unless the row permits private networks.
//
// # Tokens
//
// Token servers grant per repository. A [Client] asks for a token of many
// repositories at once (those that follow in the catalogue, as many as fit into
// a header), falls back to one at a time where a server does not honour that,
// shares every token among all calls, and renews it at three quarters of its
// life or once after a 401.
package oci
