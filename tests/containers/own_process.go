package containers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	ownPrefix = "wharf-own-"
	ownLock   = "owner.lock"
	ownLog    = "log"
)

// ownProcess is a program that runs beside the engine instead of inside of it, with all that it keeps in a folder of
// its own. The folder is locked for as long as this process lives; a folder without a lock is what a killed process
// left, and the next one that starts a program removes it.
type ownProcess struct {
	dir  string
	lock *os.File
	cmd  *exec.Cmd
	over chan struct{} // closed when cmd has ended
}

// newOwnProcess makes the folder. The end of the test ends what runs there and removes it.
func newOwnProcess(tb testing.TB, kind string) *ownProcess {
	tb.Helper()
	sweepOwn(os.TempDir())
	// Made under another name, so that no sweep sees it before it is locked.
	fresh, err := os.MkdirTemp("", "wharf-new-"+kind+"-")
	if err != nil {
		tb.Fatal(err)
	}
	p := &ownProcess{dir: strings.Replace(fresh, "wharf-new-", ownPrefix, 1)}
	p.lock, err = os.OpenFile(filepath.Join(fresh, ownLock), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		_, err = tryLock(p.lock)
	}
	if err == nil {
		err = os.Rename(fresh, p.dir)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := removeOwn(p.dir); err != nil {
			tb.Errorf("containers: removing %s: %v", p.dir, err)
		}
		p.wait()
		p.lock.Close()
	})
	return p
}

// at returns the path of something in the folder.
func (p *ownProcess) at(name string) string { return filepath.Join(p.dir, name) }

// write puts a file into the folder and returns its path.
func (p *ownProcess) write(tb testing.TB, name, content string) string {
	tb.Helper()
	if err := os.WriteFile(p.at(name), []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
	return p.at(name)
}

// run starts the program and waits until it is ready. The arguments hold the folder: it is found by that.
func (p *ownProcess) run(tb testing.TB, ready func(context.Context) error, env []string, path string, args ...string) {
	tb.Helper()
	log, err := os.OpenFile(p.at(ownLog), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(path, args...) //nolint:gosec // programs that the tests name
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = log, log // files: whoever waits for the output of the tests does not wait for it
	if err := cmd.Start(); err != nil {
		tb.Fatalf("containers: %v", err)
	}
	over := make(chan struct{})
	go func() { defer close(over); _ = cmd.Wait() }()
	p.cmd, p.over = cmd, over
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := p.await(ctx, ready); err != nil {
		said, _ := os.ReadFile(p.at(ownLog))
		tb.Fatalf("containers: starting %s: %v\n%s", path, err, said[max(0, len(said)-4000):])
	}
}

func (p *ownProcess) await(ctx context.Context, ready func(context.Context) error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.over:
			return errors.New("it ended")
		case <-ctx.Done():
			return err
		}
	}
}

// kill ends the program, and all that it started, at once. What it keeps stays.
func (p *ownProcess) kill(tb testing.TB) {
	tb.Helper()
	if err := killOwn(p.dir); err != nil {
		tb.Fatal(err)
	}
	p.wait()
}

func (p *ownProcess) wait() {
	if p.over != nil {
		<-p.over
	}
}

// sweepOwn removes the folders that nobody holds. A failure only means that they stay until the next time.
func sweepOwn(in string) {
	locks, _ := filepath.Glob(filepath.Join(in, ownPrefix+"*", ownLock))
	for _, path := range locks {
		lock, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if mine, err := tryLock(lock); err == nil && mine {
			_ = removeOwn(filepath.Dir(path))
		}
		lock.Close()
	}
}

// removeOwn ends what runs in a folder and takes away what it left on the machine.
func removeOwn(dir string) error {
	if err := killOwn(dir); err != nil {
		return err
	}
	if err := unmountBelow(dir); err != nil {
		return err
	}
	return errors.Join(removeBridge(bridgeOf(dir)), os.RemoveAll(dir))
}

// killOwn kills the processes of a folder, those that a kill made known included, until there are none.
func killOwn(dir string) error {
	deadline := time.Now().Add(stopTimeout)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for ; ; <-tick.C {
		pids := processesOf(dir)
		if len(pids) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("containers: processes %v of %s do not end", pids, dir)
		}
		for _, pid := range pids {
			if process, err := os.FindProcess(pid); err == nil {
				_ = process.Kill() // it may have ended
			}
		}
	}
}

// processesOf returns the processes whose command line names the folder, and what they started. This process is not
// among them, whatever its own says.
func processesOf(dir string) []int {
	parents := map[int]int{}
	found := map[int]bool{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		stat, _ := os.ReadFile(path)
		_, rest, _ := bytes.Cut(stat[max(0, bytes.LastIndexByte(stat, ')')):], []byte(" ")) // the name before may hold anything
		fields := strings.Fields(string(rest))
		if len(fields) < 2 || fields[0] == "Z" {
			continue
		}
		parents[pid], _ = strconv.Atoi(fields[1])
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		found[pid] = pid != os.Getpid() && bytes.Contains(line, []byte(dir+"/"))
	}
	var pids []int
	for pid := range parents {
		for ancestor := pid; ancestor > 1 && ancestor != os.Getpid(); ancestor = parents[ancestor] {
			if found[ancestor] {
				pids = append(pids, pid)
				break
			}
		}
	}
	slices.Sort(pids)
	return pids
}

// unmountBelow takes away what an engine that was killed left mounted.
func unmountBelow(dir string) error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil // not Linux: nothing was mounted
	}
	var errs []error
	lines := strings.Split(string(mounts), "\n")
	slices.Reverse(lines) // the last mounted first
	for _, line := range lines {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1], dir+"/") {
			if out, err := exec.Command("umount", "-l", fields[1]).CombinedOutput(); err != nil { //nolint:gosec // a path of ours
				errs = append(errs, fmt.Errorf("umount: %w: %s", err, out))
			}
		}
	}
	return errors.Join(errs...)
}

// program finds a program, also where the shells of plain users do not look; from is its Debian package.
func program(tb testing.TB, name, from string) string {
	tb.Helper()
	path, err := lookProgram(name)
	if err != nil {
		giveUp(tb, fmt.Errorf("%w: %w (install %s, or run .ci/docker.sh as root with REQUIRE_CONTAINERS=1)", errUnavailable, err, from))
	}
	return path
}

func lookProgram(name string) (string, error) {
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if err != nil {
			path, err = exec.LookPath(filepath.Join(dir, name))
		}
	}
	return path, err
}

// requireRoot ends a test that only root can run.
func requireRoot(tb testing.TB) {
	tb.Helper()
	if os.Geteuid() != 0 {
		giveUp(tb, fmt.Errorf("%w: only root can start a container engine", errUnavailable))
	}
}
