package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/wharf-project/wharf/domain"
)

// KeyBytes is the size of a key.
const KeyBytes = 32

// Keyring is a port.Sealer: the first key seals, all of them open, so that a
// new key is put in front and old ones are dropped when everything was sealed
// again. It is immutable and safe for concurrent use.
type Keyring struct {
	keys []key
}

type key struct {
	id   string
	aead cipher.AEAD
}

// New makes a keyring of base64 keys, the sealing one first. Errors: invalid,
// reason key_invalid, never with a key in it.
func New(encoded ...string) (*Keyring, error) {
	r := &Keyring{}
	for _, e := range encoded {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(e))
		if err != nil || len(raw) != KeyBytes {
			return nil, domain.Invalid("key_invalid", "key", "a key is %d bytes in base64", KeyBytes)
		}
		block, err := aes.NewCipher(raw)
		if err != nil {
			return nil, domain.Internal("keyring", err)
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, domain.Internal("keyring", err)
		}
		sum := sha256.Sum256(raw)
		r.keys = append(r.keys, key{id: hex.EncodeToString(sum[:4]), aead: aead})
	}
	if len(r.keys) == 0 {
		return nil, domain.Invalid("key_invalid", "key", "a keyring needs a key")
	}
	return r, nil
}

// Parse makes a keyring of text: one key a line, the sealing one first; empty
// lines and lines that begin with # do not count.
func Parse(text string) (*Keyring, error) {
	var keys []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			keys = append(keys, line)
		}
	}
	return New(keys...)
}

// Load reads a keyring from a file, and makes the file with a new key when
// there is none. A file that others can read is refused: invalid, reason
// key_file_open.
func Load(path string) (*Keyring, error) {
	if err := create(path); err != nil {
		return nil, &domain.Error{Code: domain.CodeUnavailable, Reason: "key_file", On: path, Message: "the key file cannot be made", Err: err}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, &domain.Error{Code: domain.CodeUnavailable, Reason: "key_file", On: path, Message: "the key file cannot be read", Err: err}
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, domain.Invalid("key_file_open", path, "the key file %s can be read by others; chmod 600 it", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, &domain.Error{Code: domain.CodeUnavailable, Reason: "key_file", On: path, Message: "the key file cannot be read", Err: err}
	}
	return Parse(string(text))
}

// create writes a new key unless the file is there. The link makes it appear
// whole and once, also when two processes start together.
func create(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	raw := make([]byte, KeyBytes)
	_, _ = rand.Read(raw)
	tmp, err := os.CreateTemp(filepath.Dir(path), ".key-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(base64.StdEncoding.EncodeToString(raw) + "\n")
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// Seal encrypts plain for one context. The result is text:
// "v1.<key id>.<base64 of nonce and ciphertext>".
func (r *Keyring) Seal(plain, context string) (string, error) {
	k := r.keys[0]
	nonce := make([]byte, k.aead.NonceSize())
	_, _ = rand.Read(nonce)
	sealed := k.aead.Seal(nonce, nonce, []byte(plain), []byte(context))
	return "v1." + k.id + "." + base64.RawStdEncoding.EncodeToString(sealed), nil
}

// Open reverses Seal. Errors: internal, reason unseal_failed.
func (r *Keyring) Open(sealed, context string) (string, error) {
	version, rest, _ := strings.Cut(sealed, ".")
	id, body, ok := strings.Cut(rest, ".")
	raw, err := base64.RawStdEncoding.DecodeString(body)
	if version != "v1" || !ok || err != nil {
		return "", unsealFailed("not a sealed value")
	}
	for _, k := range r.keys {
		if k.id != id || len(raw) < k.aead.NonceSize() {
			continue
		}
		plain, err := k.aead.Open(nil, raw[:k.aead.NonceSize()], raw[k.aead.NonceSize():], []byte(context))
		if err != nil {
			return "", unsealFailed("the value was changed, or belongs elsewhere")
		}
		return string(plain), nil
	}
	return "", unsealFailed("the key " + domain.Quote(id) + " is not on the keyring")
}

func unsealFailed(why string) error {
	return &domain.Error{Code: domain.CodeInternal, Reason: "unseal_failed", Err: errors.New(why)}
}
