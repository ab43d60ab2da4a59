package containers

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
	"golang.org/x/crypto/bcrypt"
)

const registryPort = "5000/tcp"

// RegistryVersion chooses the registry's implementation.
type RegistryVersion int

// The registries that tests run against.
const (
	// DistributionV3 is the CNCF distribution 3.x, the default.
	DistributionV3 RegistryVersion = iota
	// DockerRegistry2 is Docker's registry 2.8, still the most deployed one.
	DockerRegistry2
)

// BasicAuth is a registry's only login.
type BasicAuth struct {
	Username string
	Password string
}

// RegistryOptions describes the registry that a test needs.
//
// What DELETE of a manifest does was seen to differ, and the tests of this package pin it:
//
//	                       distribution 3.1.2            docker-registry 2.8.2
//	by tag                 202, siblings and digest      400 DIGEST_INVALID, nothing changes
//	                       stay
//	by unknown tag         404 MANIFEST_UNKNOWN          400 DIGEST_INVALID
//	by digest              202, all its tags are gone    202, all its tags are gone
//	by digest, again       404 MANIFEST_UNKNOWN          404 MANIFEST_UNKNOWN
//	tags/list then         200 "tags":[]                 200 "tags":null
//	_catalog then          still lists the repository    still lists the repository
//	without Delete         405 UNSUPPORTED               405 UNSUPPORTED
type RegistryOptions struct {
	Version RegistryVersion
	// Delete enables deletion.
	Delete bool
	// Auth, if set, is asked for through HTTP basic authentication.
	Auth *BasicAuth
}

// Registry starts a fresh and empty registry that is removed when the test ends, and returns its host, such as
// 127.0.0.1:32768. It speaks plain HTTP.
//
// A registry named by [EnvRegistryV3] or [EnvRegistryV2] is shared by all tests and never empty, and used only by those
// that want deletion and no login.
func Registry(tb testing.TB, opts RegistryOptions) (host string) {
	tb.Helper()
	img := registryV3Image
	if opts.Version == DockerRegistry2 {
		img = registryV2Image
	}
	if host := os.Getenv(img.engine); host != "" && opts.Delete && opts.Auth == nil {
		return host
	}
	files := []testcontainers.ContainerFile{containerFile("/etc/wharf/registry.yml", opts.config())}
	if opts.Auth != nil {
		line, err := opts.Auth.htpasswd()
		if err != nil {
			tb.Fatalf("containers: password: %v", err)
		}
		files = append(files, containerFile("/etc/wharf/htpasswd", line))
	}
	c, err := start(img, tb.Logf,
		// Said in full, because the images differ in their entry points.
		testcontainers.WithEntrypoint("/bin/registry"),
		testcontainers.WithCmd("serve", "/etc/wharf/registry.yml"),
		testcontainers.WithEnv(map[string]string{"OTEL_TRACES_EXPORTER": "none"}), // v3 would look for a collector
		testcontainers.WithFiles(files...),
		testcontainers.WithTmpfs(map[string]string{"/tmp": "rw"}),
		testcontainers.WithExposedPorts(registryPort),
		testcontainers.WithWaitStrategy(wait.ForHTTP("/v2/").WithPort(registryPort).
			WithStatusCodeMatcher(func(code int) bool { return code == http.StatusOK || code == http.StatusUnauthorized }).
			WithForcedIPv4LocalHost().WithPollInterval(20*time.Millisecond).WithStartupTimeout(startTimeout)),
	)
	if err != nil {
		giveUp(tb, err)
	}
	tb.Cleanup(func() {
		if err := terminate(c); err != nil {
			tb.Logf("containers: removing a registry: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), pingTimeout)
	defer cancel()
	address, err := c.PortEndpoint(ctx, registryPort, "")
	if err != nil {
		tb.Fatalf("containers: address of the registry: %v", err)
	}
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		tb.Fatalf("containers: address of the registry: %v", err)
	}
	return net.JoinHostPort(loopback(name), port)
}

// config is what the official images ship, with deletion, login, and storage in memory.
func (o RegistryOptions) config() string {
	text := fmt.Sprintf(`version: 0.1
log:
  level: warn
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: /tmp/registry
  cache:
    blobdescriptor: inmemory
  delete:
    enabled: %t
http:
  addr: :5000
  secret: wharf-test
`, o.Delete)
	if o.Auth != nil {
		text += `auth:
  htpasswd:
    realm: wharf-test
    path: /etc/wharf/htpasswd
`
	}
	return text
}

// htpasswd returns the login's line; bcrypt is the only hash that both registries accept.
func (a *BasicAuth) htpasswd() (string, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(a.Password), bcrypt.MinCost)
	return fmt.Sprintf("%s:%s\n", a.Username, hash), err
}

func containerFile(path, content string) testcontainers.ContainerFile {
	return testcontainers.ContainerFile{
		Reader:            strings.NewReader(content),
		ContainerFilePath: path,
		FileMode:          0o644,
	}
}
