package docker

import (
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/client"

	"github.com/wharf-project/wharf/domain"
)

// sshConnections is how many connections one agent has through ssh at a time: a
// login takes long, and sshd turns some away when ten are under way at once.
const sshConnections = 6

// connect returns a client for an address; nobody is contacted yet. It keeps as
// many connections as an inventory uses at a time.
func (o Options) connect(address string) (*client.Client, error) {
	reach, err := o.reach(address)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{MaxIdleConns: o.Jobs, MaxIdleConnsPerHost: o.Jobs, IdleConnTimeout: 30 * time.Second}
	transport.Protocols = new(http.Protocols) // one that may speak HTTP/2 has a TLS configuration, which the client takes for a wish
	transport.Protocols.SetHTTP1(true)
	if strings.HasPrefix(strings.ToLower(address), "ssh:") {
		transport.MaxConnsPerHost = sshConnections
	}
	first := client.WithHTTPClient(&http.Client{Transport: transport, CheckRedirect: client.CheckRedirect})
	api, err := client.New(append([]client.Opt{first, client.WithUserAgent("wharf")}, reach...)...)
	if err != nil {
		return nil, domain.Invalid("agent_invalid", "address", "not an engine's address: %s", domain.Quote(address))
	}
	return api, nil
}

// reach turns an address into options of the client. Passwords have no place in
// an address, so one that holds a password is not repeated.
func (o Options) reach(address string) ([]client.Opt, error) {
	u, err := url.Parse(address)
	if err != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return nil, badAddress("it is unix:///path, tcp://host:port or ssh://user@host")
	}
	if _, has := u.User.Password(); has || u.User != nil && u.Scheme != "ssh" {
		return nil, badAddress("it holds credentials")
	}
	switch u.Scheme {
	case "unix":
		if u.Host != "" || !path.IsAbs(u.Path) || u.Path == "/" {
			return nil, badAddress("a unix socket is unix:// and an absolute path")
		}
		return []client.Opt{client.WithHost("unix://" + path.Clean(u.Path))}, nil
	case "tcp":
		return o.reachTCP(u)
	case "ssh":
		return o.reachSSH(u)
	}
	return nil, badAddress("it is unix:///path, tcp://host:port or ssh://user@host")
}

func (o Options) reachTCP(u *url.URL) ([]client.Opt, error) {
	if u.Hostname() == "" || !isPort(u.Port()) || strings.Trim(u.Path, "/") != "" {
		return nil, badAddress("tcp wants a host and a port")
	}
	host := client.WithHost("tcp://" + u.Host)
	files, ok := o.TLS[u.Host]
	if !ok {
		files, ok = o.TLS[""]
	}
	if !ok {
		if o.AllowInsecureTCP {
			return []client.Opt{host}, nil
		}
		return nil, badAddress("there are no certificates for it, and plain tcp is not allowed")
	}
	secure := client.WithTLSClientConfig(files.CA, files.Cert, files.Key)
	// Tried here for an error of its own: the client would mix it with others.
	if probe, err := client.New(secure); err != nil {
		e := domain.Errorf(domain.CodePrecondition, reasonTLS, u.Host, "the certificates for the engine %s cannot be used", u.Host)
		e.Err = err
		return nil, e
	} else if err := probe.Close(); err != nil {
		return nil, domain.Internal("docker: open", err)
	}
	return []client.Opt{host, secure}, nil
}

func (o Options) reachSSH(u *url.URL) ([]client.Opt, error) {
	user := u.User.Username()
	// A leading hyphen would be an option to ssh.
	if u.Hostname() == "" || strings.HasPrefix(u.Hostname(), "-") || strings.HasPrefix(user, "-") || strings.Trim(u.Path, "/") != "" {
		return nil, badAddress("ssh wants a host, and nothing after it")
	}
	args := []string{"-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=30"}
	if user != "" {
		args = append(args, "-l", user)
	}
	if u.Port() != "" {
		if !isPort(u.Port()) {
			return nil, badAddress("the port is no port")
		}
		args = append(args, "-p", u.Port())
	}
	args = append(args, "--", u.Hostname(), "docker", "system", "dial-stdio")
	// As a unix socket, for which no proxy of the environment stands in the way.
	return []client.Opt{client.WithHost("unix:///ssh"), client.WithDialContext(dialCommand(o.SSH, args))}, nil
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

func badAddress(why string) error {
	return domain.Invalid("agent_invalid", "address", "not an engine's address: %s", why)
}
