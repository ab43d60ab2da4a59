package cli

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"
)

const (
	seedName = "agent.nkey"
	seedDoc  = "file with the node's NKey seed, made on first use (default " + seedName + " in the data directory)"
)

// seedFile is where the node's key is.
func (p *program) seedFile(given string) (string, error) {
	dir := p.settings.DataDir
	switch {
	case given != "":
		return given, nil
	case dir != "":
	case p.getenv("XDG_DATA_HOME") != "":
		dir = filepath.Join(p.getenv("XDG_DATA_HOME"), "wharf")
	case p.getenv("HOME") != "":
		dir = filepath.Join(p.getenv("HOME"), ".local", "share", "wharf")
	default:
		return "", usage("--seed is missing: there is no data directory for the node's key")
	}
	return filepath.Join(dir, seedName), nil
}

// nodeKey is what agent key shows.
type nodeKey struct {
	PublicKey string `json:"public_key"`
	Seed      string `json:"seed_file"`
}

func (p *program) nodeKeyCommand() *cobra.Command {
	var seed string
	cmd := &cobra.Command{
		Use: "key", Short: "Print the public key of this machine as a node", Args: cobra.ArbitraryArgs,
		Long: `Print the public key that this machine proves itself with as a node: the --address that
wharf agent register needs for it. The key is made on first use.`,
		Example: "  wharf agent key\n  wharf agent register node-7 --kind fleet --scaling-group gpu --address \"$(ssh node-7 wharf agent key)\"",
	}
	cmd.Flags().Var(newText("FILE", &seed), "seed", seedDoc)
	cmd.RunE = p.runs(func(_ context.Context, args []string) error {
		if len(args) > 0 {
			return usage("no argument is due")
		}
		file, err := p.seedFile(seed)
		if err != nil {
			return err
		}
		key, err := p.NodeKey(file)
		if err != nil {
			return &openError{err}
		}
		if p.global.json {
			return p.show(nodeKey{key, file})
		}
		p.out.say("%s", key)
		return p.out.flush()
	})
	return cmd
}
