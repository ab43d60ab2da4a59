package cli

import (
	"reflect"
	"strings"

	"github.com/wharf-project/wharf/domain"
)

// docOf is the field's doc tag, or, where structs of other packages have none,
// words of our own.
func docOf(name string, owner reflect.Type, sf reflect.StructField) string {
	if doc := sf.Tag.Get("doc"); doc != "" {
		return doc
	}
	if owner == reflect.TypeFor[domain.Page]() {
		return map[string]string{
			"limit": "items of a page, 1-1000 (default 50)",
			"after": "go on after this cursor of an earlier page",
			"sort":  "field to sort by",
			"desc":  "the other way round",
			"count": "count the items of all pages",
		}[name]
	}
	if owner == reflect.TypeFor[domain.ImageQuery]() {
		return map[string]string{
			"is_installed":  "held by a node, or by none",
			"is_operation":  "images that run the cluster, or the others",
			"domain":        "what is visible in a domain",
			"group":         "what is visible in a project, on the nodes that it may use",
			"scaling_group": "what nodes of a scaling group hold",
			"statuses":      "alive, forgotten, missing, or all (default alive)",
			"where":         "a filter over " + fieldNames(domain.ImageFields),
		}[name]
	}
	if doc := map[string]string{
		"address":         "where the node is reached: a path, a URL",
		"agent_id":        "id of the node",
		"architecture":    "such as x86_64 or aarch64",
		"domain":          "name of the domain",
		"is_global":       "for all projects of an allowed domain",
		"is_local":        "known to nodes only, not to its registry",
		"kind":            "adapter, such as ocilayout",
		"private_network": "permit token realms and redirects to local addresses",
		"project":         "name of the project",
		"scaling_group":   "name of the scaling group",
		"size_bytes":      "layers and config",
		"tag":             "the tag",
		"tls_skip_verify": "accept any certificate",
		"token_realms":    "further hosts that credentials may go to",
		"type":            "adapter, such as oci",
		"url":             "where to reach it",
		"username":        "who to log in as",
	}[name]; doc != "" {
		return doc
	}
	return strings.ReplaceAll(name, "_", " ")
}
