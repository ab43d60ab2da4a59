package broker

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// What is in the directory of an embedded broker.
const (
	lockName    = "lock"         // locked by the process that serves
	addressName = "address"      // where it serves, or served last
	managerName = "manager.nkey" // the managers' seed
	storeName   = "jetstream"    // nothing that has to last
)

// writeTemp writes a file of mode 0600 beside path, to be renamed or linked.
func writeTemp(path string, content []byte) (name string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

func writeAddress(dir, address string) error {
	path := filepath.Join(dir, addressName)
	tmp, err := writeTemp(path, []byte(address+"\n"))
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		_ = os.Remove(tmp)
		return err
	}
	return nil
}

// readAddress returns "" when there is no address, or none that makes sense.
func readAddress(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, addressName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	address := strings.TrimSpace(string(text))
	if host, port, err := net.SplitHostPort(address); err != nil || host == "" || port == "" {
		return "", nil //nolint:nilerr // it is as good as none, and is written again
	}
	return address, nil
}

// lock returns the lock of the directory, nil when another process has it. To
// close it is to let it go.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	got, err := tryLock(f)
	if err != nil || !got {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
