package cli

import (
	"context"
	"io"
	"reflect"
	"time"

	"github.com/spf13/cobra"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// What the tests look at beside what a user sees.
var (
	Clean       = clean
	FormatWhere = formatWhere
	ParseMoment = parseMoment
	ParseFuture = parseFuture
	ParseActor  = parseActor
	Ago         = ago
	Ahead       = ahead
	Shorten     = shorten
	Width       = width
	StatusOf    = statusOf
	Marshal     = marshal
	Encode      = encode
	DecodeInto  = decodeResult
)

func ParseWhere(text string, fields domain.Fields, now time.Time) (domain.Filter, error) {
	return parseWhere(text, fields, now)
}

// Commands returns the tree of commands, with all that a program can have.
func Commands() *cobra.Command {
	return newProgram(Config{
		Serve:   func(context.Context, Settings, ServeOptions) error { return nil },
		Node:    func(context.Context, Settings, NodeOptions) error { return nil },
		NodeKey: func(string) (string, error) { return "", nil },
	}).root()
}

// BuildAction builds the action of a command line without running it.
func BuildAction(action string, args []string) (any, error) {
	p := newProgram(Config{Now: func() time.Time { return time.Unix(1e9, 0).UTC() }})
	e, _ := p.entry(action)
	c, cmd := p.newCommand(e)
	cmd.Flags().AddFlagSet(p.root().PersistentFlags())
	if err := cmd.ParseFlags(args); err != nil {
		return nil, err
	}
	return c.build(context.Background(), cmd.Flags().Args())
}

// Setting is a row of the table of settings.
type Setting struct {
	Key, Flag, Env string
	EnvOnly        bool
	Of             []string // the commands that have the flag
	OfServer       bool     // says which server there is
}

func SettingsTable() []Setting {
	var list []Setting
	ofServer := map[string]bool{}
	for _, s := range serverSettings() {
		ofServer[s.key] = true
	}
	for _, s := range settingsTable() {
		list = append(list, Setting{s.key, s.flagName(), s.env, s.envOnly, s.of, ofServer[s.key]})
	}
	return list
}

// ExitCodes returns the statuses by code.
func ExitCodes() map[domain.Code]int {
	m := map[domain.Code]int{}
	for _, e := range exitCodes() {
		if e.code != "" {
			m[e.code] = e.status
		}
	}
	return m
}

// ServerFor returns the server that a command line talks to.
func ServerFor(env []string, args ...string) (Server, error) {
	p := newProgram(Config{Env: env, Stderr: io.Discard})
	root := p.root()
	cmd, rest, err := root.Find(append([]string{"image", "list"}, args...))
	if err != nil {
		return Server{}, err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return Server{}, err
	}
	if err := p.load(cmd); err != nil {
		return Server{}, err
	}
	err = p.connect()
	return p.settings.Server, err
}

// RemoteOf is Remote with another limit to the bytes of an answer.
func RemoteOf(c RemoteConfig, most int64) (Service, error) {
	c.mostBytes = most
	return Remote(c)
}

// Unreachable lists the fields of an action that no flag or argument gives.
func Unreachable(e service.Entry) []string {
	var names []string
	c := &command{entry: e, fields: fieldsOf(e.Action)}
	c.args = argumentsOf(c.fields)
	for _, f := range c.fields {
		if !f.isFlag() && !c.isArgument(f) {
			names = append(names, f.json)
		}
	}
	return names
}

// HasListFields reports whether a list's fields are known.
func HasListFields(e service.Entry) (isList, known bool) {
	c := &command{entry: e}
	return c.isList(), listFields(e.Spec.Name) != nil
}

// IsDestructive reports whether a command asks first.
func IsDestructive(e service.Entry) bool { return (&command{entry: e}).isDestructive() }

// HasDryRun reports whether an action can be planned.
func HasDryRun(e service.Entry) bool {
	f, ok := e.Action.FieldByName("DryRun")
	return ok && f.Type.Kind() == reflect.Bool
}

// Table prints one column of text.
func Table(p *Printer, head string, texts ...string) {
	var rows [][]cell
	for _, t := range texts {
		rows = append(rows, cells(t, "x"))
	}
	p.table(column{head: head, cut: true}, column{head: "X"}).rows(rows)
}

// Printer is what prints for people.
type Printer = printer

// NewPrinter makes one of a width.
var NewPrinter = newPrinter

// SetWidth makes it a terminal.
func (p *printer) SetWidth(n int) { p.width = n }

// Flush writes out.
func (p *printer) Flush() error { return p.flush() }

// Result prints a result.
func (p *printer) Result(r any) { p.result(r) }

// Page prints a page of a list.
func (p *printer) Page(r any) error { _, err := p.page(nil, r); return err }
