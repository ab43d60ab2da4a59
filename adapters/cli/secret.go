package cli

import (
	"context"
	"reflect"
	"strings"

	"github.com/spf13/pflag"

	"github.com/wharf-project/wharf/domain"
)

// secretFlags are the ways to give a secret. Its own name is taken only to be
// refused: what is on a command line, others can read.
type secretFlags struct {
	stdin, prompt bool
	file          rawValue
	refused       rawValue
	env           string
}

func (c *command) addSecret(fs *pflag.FlagSet, f field) {
	noun, _, _ := strings.Cut(c.entry.Spec.Name, ".")
	s := &secretFlags{env: strings.ToUpper("wharf_" + noun + "_" + f.json)}
	s.file.typ, s.refused.isBool = "FILE", true
	c.secret[f.flag] = s
	fs.BoolVar(&s.stdin, f.flag+"-stdin", false, "take the "+f.flag+" from standard input")
	fs.Var(&s.file, f.flag+"-file", "take the "+f.flag+" from a file")
	fs.BoolVar(&s.prompt, f.flag+"-prompt", false, "ask for the "+f.flag+"; after --username without any of these, it is $"+s.env+" or asked for")
	fs.Var(&s.refused, f.flag, "")
	fs.Lookup(f.flag).NoOptDefVal = "given"
	_ = fs.MarkHidden(f.flag)
	if isPatch(f.typ) {
		c.addFlag(fs, "clear-"+f.flag, "bool", "remove the "+f.flag)
		fs.Lookup("clear-" + f.flag).NoOptDefVal = "true"
	}
}

// refused finds a secret that was put on the command line, before anything
// could repeat it in a message.
func (c *command) refused() error {
	for name, s := range c.secret {
		if len(s.refused.given) > 0 {
			return usage("a %s on the command line can be read by others; use --%s-stdin, --%s-file FILE, --%s-prompt or $%s", name, name, name, name, s.env)
		}
	}
	return nil
}

// readSecret finds the secret in one of its sources. The environment and the
// person are asked only when a username says that there should be one: a
// variable left over in the environment must not change what nobody mentioned.
func (c *command) readSecret(ctx context.Context, dst reflect.Value, f field, s *secretFlags) error {
	ways := 0
	for _, used := range []bool{s.stdin, s.prompt, len(s.file.given) > 0} {
		if used {
			ways++
		}
	}
	if ways > 1 {
		return usage("the %s can come from one place only", f.flag)
	}
	username := c.flags["username"]
	named := username != nil && username.String() != ""
	var text string
	var err error
	switch {
	case s.stdin:
		text, err = c.p.readSecretFile(ctx, "-")
	case len(s.file.given) > 0:
		text, err = c.p.readSecretFile(ctx, s.file.String())
	case !s.prompt && !named:
		return nil
	case !s.prompt && c.p.getenv(s.env) != "":
		text = c.p.getenv(s.env)
	case c.p.Terminal.Secret != nil:
		text, err = c.p.Terminal.Secret(ctx, strings.ToUpper(f.flag[:1])+f.flag[1:]+": ")
		if err == nil && text == "" {
			return nil // said nothing
		}
	case s.prompt:
		return usage("there is no terminal to ask for the %s", f.flag)
	case !isPatch(f.typ): // with the username alone nothing could be stored
		return usage("a username needs a %s: --%s-stdin, --%s-file FILE or $%s", f.flag, f.flag, f.flag, s.env)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	if text == "" {
		return domain.Invalid("secret_empty", f.json, "the %s is empty", f.flag)
	}
	return valueReader{}.set(dst, f, []string{text})
}

// readSecretFile reads a file without the line end that editors and echo leave.
func (p *program) readSecretFile(ctx context.Context, name string) (string, error) {
	b, err := p.readFile(ctx, name)
	return strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r"), err
}
