package broker_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/broker"
	"github.com/wharf-project/wharf/domain"
)

func TestASeedIsMadeOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "node.nkey")
	keys := make(chan string, 20)
	for range cap(keys) {
		go func() {
			seed, err := broker.LoadSeed(path)
			if err != nil {
				t.Errorf("load: %v", err)
			}
			keys <- seed.PublicKey()
		}()
	}
	first := <-keys
	require.True(t, nkeys.IsValidPublicUserKey(first))
	for range cap(keys) - 1 {
		require.Equal(t, first, <-keys)
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing else is left there")
}

func TestSeedsThatAreRefused(t *testing.T) {
	t.Parallel()
	user, err := nkeys.CreateUser()
	require.NoError(t, err)
	userSeed, err := user.Seed()
	require.NoError(t, err)
	userKey, err := user.PublicKey()
	require.NoError(t, err)
	account, err := nkeys.CreateAccount()
	require.NoError(t, err)
	accountSeed, err := account.Seed()
	require.NoError(t, err)
	for name, c := range map[string]struct {
		text, reason string
		mode         os.FileMode
	}{
		"readable by the group":   {string(userSeed), "key_file_open", 0o640},
		"readable by others":      {string(userSeed), "key_file_open", 0o604},
		"writable by others":      {string(userSeed), "key_file_open", 0o602},
		"empty":                   {"", "key_invalid", 0o600},
		"no key":                  {"hello", "key_invalid", 0o600},
		"the seed of an account":  {string(accountSeed), "key_invalid", 0o600},
		"a public key":            {userKey, "key_invalid", 0o600},
		"a seed with a letter up": {string(userSeed[:20]) + "A" + string(userSeed[20:]), "key_invalid", 0o600},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "seed")
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			require.NoError(t, os.Chmod(path, c.mode))
			_, err := broker.LoadSeed(path)
			fails(t, err, domain.CodeInvalid, c.reason)
			if c.text != "" {
				require.NotContains(t, err.Error(), c.text)
			}
		})
	}
	path := filepath.Join(t.TempDir(), "seed")
	require.NoError(t, os.WriteFile(path, []byte("\n"+string(userSeed)+"\n\n"), 0o400))
	seed, err := broker.LoadSeed(path)
	require.NoError(t, err)
	require.Equal(t, userKey, seed.PublicKey())
	_, err = broker.LoadSeed(filepath.Join(path, "below a file"))
	fails(t, err, domain.CodeUnavailable, "broker_files")
}
