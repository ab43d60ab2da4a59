package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/wharf-project/wharf/domain"
)

// NodeOptions are what `wharf agent run` takes beside the settings.
type NodeOptions struct {
	// ID is that of the agent as it is registered.
	ID domain.AgentID
	// URL is where the managers' NATS server is, several separated by commas.
	URL string
	// Seed is the file with the node's NKey seed, made on first use.
	Seed string
	// TLSCA signs the server, "" is the system's; TLSCert and TLSKey are for a
	// server that asks for a certificate. PEM files.
	TLSCA, TLSCert, TLSKey string
	// Insecure permits to speak without TLS over a network.
	Insecure bool
	// Docker is the endpoint of an engine, Layout the directory of an OCI layout:
	// where the images are. One of them is "".
	Docker, Layout string
	// Pulls is how many pulls run at a time, Heartbeat how often the node says
	// that it is there.
	Pulls     int
	Heartbeat time.Duration
	// Ready is that of [ServeOptions].
	Ready func(line string)
}

const (
	dockerEndpoint = "unix:///var/run/docker.sock"
	dockerDefault  = "default" // what --docker holds without a value
)

// nodeCommands are the commands on a node itself.
func (p *program) nodeCommands() (list []*cobra.Command) {
	if p.Node != nil {
		list = append(list, p.nodeRunCommand())
	}
	if p.NodeKey != nil {
		list = append(list, p.nodeKeyCommand())
	}
	return list
}

func (p *program) nodeRunCommand() *cobra.Command {
	var o NodeOptions
	var id string
	docker := &rawValue{typ: "[ENDPOINT]"}
	cmd := &cobra.Command{
		Use: "run", Short: "Be a node: do on this machine what managers ask", Long: nodeHelp, Args: cobra.ArbitraryArgs,
		Example: "  wharf agent run --nats-url tls://wharf.example.org:4222 --docker\n" +
			"  wharf agent run --id node-7 --nats-url tls://nats-1:4222,tls://nats-2:4222 --tls-ca ca.pem --docker tcp://localhost:2375\n" +
			"  wharf agent run --nats-url nats://127.0.0.1:4222 --layout /var/lib/images --pulls 2",
	}
	f := cmd.Flags()
	settingFlags(f, cmdNode)
	f.Lookup("nats-url").Usage = "the managers' NATS servers, separated by commas, such as tls://wharf.example.org:4222 (required)"
	f.Var(newText("AGENT", &id), "id", "the node's name, as it is registered (default this machine's)")
	f.Var(newText("FILE", &o.Seed), "seed", seedDoc)
	f.Var(newText("FILE", &o.TLSCA), "tls-ca", "certificates that sign the server (default the system's)")
	f.Var(newText("FILE", &o.TLSCert), "tls-cert", "certificate for a server that asks for one")
	f.Var(newText("FILE", &o.TLSKey), "tls-key", "key of the certificate")
	f.Var(docker, "docker", "the images are those of a Docker Engine (default "+dockerEndpoint+")")
	f.Lookup("docker").NoOptDefVal = dockerDefault
	f.Var(newText("DIR", &o.Layout), "layout", "the images are in an OCI layout, without an engine")
	f.IntVar(&o.Pulls, "pulls", 4, "images pulled at a time (default 4)")
	f.DurationVar(&o.Heartbeat, "heartbeat", 10*time.Second, "how often to say that the node is there (default 10s)")
	cmd.RunE = p.runs(func(ctx context.Context, args []string) error {
		o.URL, o.Insecure = p.settings.NATS.URL, p.settings.NATS.Insecure
		if err := o.images(docker, args); err != nil {
			return err
		}
		if err := p.completeNode(&o, id); err != nil {
			return err
		}
		if err := p.talkative(); err != nil {
			return err
		}
		o.Ready = p.readiness()
		return lasting(ctx, p.Node(ctx, p.settings, o))
	})
	return cmd
}

// images finds where the images are. A value of --docker may follow after a
// space, where it looks like an argument.
func (o *NodeOptions) images(docker *rawValue, args []string) error {
	o.Docker = docker.String()
	if o.Docker == dockerDefault {
		o.Docker = dockerEndpoint
		if len(args) == 1 {
			o.Docker, args = args[0], nil
		}
	}
	switch {
	case len(args) > 0:
		return usage("no argument is due")
	case (o.Docker == "") == (o.Layout == ""):
		return usage("the images are in one place: --docker [ENDPOINT] or --layout DIR")
	}
	return nil
}

// completeNode fills in what was left out, and checks the rest.
func (p *program) completeNode(o *NodeOptions, id string) (err error) {
	if o.URL == "" {
		return usage("--nats-url is missing: where the managers' NATS server is")
	}
	if o.Pulls < 1 || o.Heartbeat <= 0 {
		return usage("--pulls is 1 at least, --heartbeat more than nothing")
	}
	if id == "" {
		id = p.Host
	}
	if o.ID, err = domain.ParseAgentID(id); err != nil {
		return usage("--id is needed: %s", domain.MessageOf(err))
	}
	o.Seed, err = p.seedFile(o.Seed)
	return err
}

const nodeHelp = `Be a node until it is stopped: dial out to the managers' NATS server, tell which images are
here, and load and remove images as managers ask. This machine opens no port. SIGINT and
SIGTERM end it in order, with exit code 0.

The node has to be registered with its public key:

  wharf agent register NAME --kind fleet --scaling-group GROUP --address KEY   (of wharf agent key)

A systemd unit for it:

  [Unit]
  After=network-online.target docker.service
  [Service]
  Environment=WHARF_DATA_DIR=/var/lib/wharf WHARF_NATS_URL=tls://wharf.example.org:4222
  ExecStart=/usr/local/bin/wharf agent run --docker
  Restart=always
  [Install]
  WantedBy=multi-user.target
`
