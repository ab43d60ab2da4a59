package cli

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// annotationArguments holds the help of the arguments.
const annotationArguments = "arguments"

// addFlags gives the command a flag for each field that is no argument, and
// those of the command line itself.
func (c *command) addFlags(cmd *cobra.Command) {
	fs := cmd.Flags()
	for _, f := range c.fields {
		if c.isArgument(f) || !f.isFlag() {
			continue
		}
		if f.isSecret() {
			c.addSecret(fs, f)
			continue
		}
		doc := f.doc
		switch {
		case f.json == "background":
			doc += "; wharf serve works it off"
		case f.kind == "agents":
			doc += "; see wharf help targets"
		case f.kind == "future":
			doc += " (12h is 12 hours from now)"
		}
		if f.required {
			doc += " (required)"
		}
		c.addFlag(fs, f.flag, f.placeholder(), doc)
		if f.isBool() {
			fs.Lookup(f.flag).NoOptDefVal = "true"
		}
		if isPatch(f.typ) && f.mayBeNull() {
			c.addFlag(fs, "clear-"+f.flag, "bool", "remove what --"+f.flag+" sets")
			fs.Lookup("clear-" + f.flag).NoOptDefVal = "true"
		}
		c.completeFlag(cmd, f)
	}
	if c.takesIDs() || c.takesRefs() {
		c.architecture.typ = "ARCH"
		doc := "needed where a name has several"
		if c.takesRefs() {
			doc = "of all the images (default each node's own)"
		}
		fs.Var(&c.architecture, "architecture", doc)
	}
	if c.isPurge() {
		c.targets.typ = "AGENTS"
		fs.Var(&c.targets, "target-agents", "a target expression, such as node-1,node-2 or *; see wharf help targets (required)")
		_ = cmd.RegisterFlagCompletionFunc("target-agents", c.completing("agents"))
	}
	if c.isList() {
		fs.BoolVar(&c.all, "all", false, "all pages, from --after on")
	}
	if c.isDestructive() {
		fs.BoolVarP(&c.yes, "yes", "y", false, "do not ask")
	}
	c.actionJSON.typ = "FILE"
	fs.Var(&c.actionJSON, "action-json", "the whole action as JSON, - for standard input; flags and arguments come on top")
	fs.SetNormalizeFunc(shortNames(fs))
}

func (c *command) addFlag(fs *pflag.FlagSet, name, typ, doc string) {
	v := &rawValue{typ: typ, isBool: typ == "bool"}
	c.flags[name] = v
	fs.Var(v, name, doc)
}

// mayBeNull: a switch has no third state, and a part of a name cannot go.
func (f field) mayBeNull() bool {
	t := patched(f.typ)
	switch t.Kind() {
	case reflect.Bool, reflect.Int64:
		return false
	case reflect.Map, reflect.Slice:
		return true
	}
	return f.json == "username" || f.json == "url"
}

// takesIDs reports whether an argument is an id that a name may stand for.
func (c *command) takesIDs() bool {
	for _, f := range c.args {
		if f.isType(reflect.TypeFor[domain.ImageID]()) {
			return true
		}
	}
	return false
}

func (c *command) takesRefs() bool {
	return len(c.args) == 1 && c.args[0].typ == reflect.TypeFor[[]actions.ImageRef]()
}

// shortNames lets common flags be written in a shorter way, and any of them
// with underscores, as the fields are on the wire.
func shortNames(own *pflag.FlagSet) func(*pflag.FlagSet, string) pflag.NormalizedName {
	has := map[string]bool{}
	own.VisitAll(func(f *pflag.Flag) { has[f.Name] = true })
	return func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		name = strings.ReplaceAll(name, "_", "-")
		short := map[string]string{"arch": "architecture", "agents": "target-agents", "status": "statuses", "labels": "label", "label": "labels"}
		if long := short[name]; !has[name] && has[long] {
			name = long
		}
		return pflag.NormalizedName(name)
	}
}

// metavars are the arguments as the usage line shows them.
func metavars(args []field) []string {
	names := make([]string, len(args))
	for i, f := range args {
		if names[i] = f.metavar(); names[i] == "" || f.json == "agent_id" {
			names[i] = strings.ToUpper(strings.TrimSuffix(strings.ReplaceAll(f.json, "_", "-"), "-id"))
		}
	}
	return names
}

func usageOf(args []field) string {
	use := ""
	for i, name := range metavars(args) {
		if args[i].typ.Kind() == reflect.Slice {
			name += "..."
		}
		if !args[i].required {
			name = "[" + name + "]"
		}
		use += " " + name
	}
	return use
}

func argumentHelp(args []field) string {
	var b strings.Builder
	names := metavars(args)
	widest := 0
	for _, name := range names {
		widest = max(widest, len(name))
	}
	for i, name := range names {
		doc := args[i].doc
		if args[i].isType(reflect.TypeFor[domain.ImageID]()) {
			doc = "canonical name, short name, alias or id"
		}
		if args[i].typ == reflect.TypeFor[domain.RegistryID]() {
			doc = "host, host/project or id of the registry"
		}
		fmt.Fprintf(&b, "  %-*s  %s\n", widest, name, doc)
	}
	return b.String()
}
