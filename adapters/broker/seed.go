package broker

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/wharf-project/wharf/domain"
)

// Seed is an NKey of a user: what a node or a manager proves itself with. The
// zero value is of no use; see [LoadSeed].
type Seed struct {
	public string
	pair   nkeys.KeyPair
}

// PublicKey is what the other side knows the key by; it is no secret.
func (s Seed) PublicKey() string { return s.public }

func (s Seed) option() nats.Option { return nats.Nkey(s.public, s.pair.Sign) }

// LoadSeed reads a seed file, and makes it with a new key when there is none,
// with mode 0600 and once, also when two processes ask together. Errors:
// invalid key_file_open when others can read the file, invalid key_invalid when
// it holds anything else, unavailable broker_files.
func LoadSeed(path string) (Seed, error) {
	if err := makeSeed(path); err != nil {
		return Seed{}, filesError(path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return Seed{}, filesError(path, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Seed{}, domain.Invalid(reasonSeedOpen, path, "the key file %s can be read by others; chmod 600 it", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Seed{}, filesError(path, err)
	}
	pair, err := nkeys.FromSeed(bytes.TrimSpace(text))
	if err != nil {
		return Seed{}, noSeed(path)
	}
	public, err := pair.PublicKey()
	if err != nil || !nkeys.IsValidPublicUserKey(public) {
		return Seed{}, noSeed(path)
	}
	return Seed{public, pair}, nil
}

// noSeed tells nothing of what the file holds.
func noSeed(path string) error {
	return domain.Invalid(reasonSeed, path, "the key file %s does not hold the NKey seed of a user", path)
}

// makeSeed writes a new seed unless the file is there. The link makes it appear
// whole and once.
func makeSeed(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	pair, err := nkeys.CreateUser()
	if err != nil {
		return err
	}
	seed, err := pair.Seed()
	if err != nil {
		return err
	}
	tmp, err := writeTemp(path, append(seed, '\n'))
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	if err := os.Link(tmp, path); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
