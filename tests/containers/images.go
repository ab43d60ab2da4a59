package containers

// Environment variables that name a running engine, which is then used instead of a container.
const (
	// EnvPostgresDSN holds the DSN of a Postgres role that may create databases.
	EnvPostgresDSN = "WHARF_TEST_POSTGRES_DSN"
	// EnvRegistryV3 holds the host:port of a distribution v3 registry with deletion enabled and without login.
	EnvRegistryV3 = "WHARF_TEST_REGISTRY_V3"
	// EnvRegistryV2 holds the host:port of a docker-registry 2.8 with deletion enabled and without login.
	EnvRegistryV2 = "WHARF_TEST_REGISTRY_V2"
)

// distributionVersion is the release of the v3 registry that is built when registry:3 cannot be pulled.
const distributionVersion = "v3.1.2"

// The releases that are built when an image cannot be pulled: those of go.mod, so that what is embedded and what runs
// in a container are the same.
const (
	natsVersion      = "v2.15.2"
	toxiproxyVersion = "v2.5.0"
)

// image is one container image that tests need. No image name appears anywhere else.
//
// The local name ends in the revision of its recipe: raise it with every change to the recipe, so that images built
// by an older one are not used.
type image struct {
	name     string // what messages call it
	engine   string // environment variable that makes the image unnecessary; "": nothing does
	override string // environment variable that names another image, which must work like the official one
	official string // pulled when there is a network
	local    string // built when there is none
	recipe   recipe
}

var (
	postgresImage = &image{
		name:     "postgres",
		engine:   EnvPostgresDSN,
		override: "WHARF_TEST_POSTGRES_IMAGE",
		official: "docker.io/library/postgres:17-alpine",
		local:    "localhost/wharf-test/postgres:debian-1",
		recipe:   buildPostgres,
	}
	registryV3Image = &image{
		name:     "registry v3",
		engine:   EnvRegistryV3,
		override: "WHARF_TEST_REGISTRY_V3_IMAGE",
		official: "docker.io/library/registry:3",
		local:    "localhost/wharf-test/registry:3.1.2-1",
		recipe:   buildRegistryV3,
	}
	registryV2Image = &image{
		name:     "registry v2",
		engine:   EnvRegistryV2,
		override: "WHARF_TEST_REGISTRY_V2_IMAGE",
		official: "docker.io/library/registry:2.8.3",
		local:    "localhost/wharf-test/registry:2.8-debian-1",
		recipe:   buildRegistryV2,
	}
	natsImage = &image{
		name:     "nats",
		override: "WHARF_TEST_NATS_IMAGE",
		official: "docker.io/library/nats:2.15.2",
		local:    "localhost/wharf-test/nats:2.15.2-1",
		recipe:   goProgram{"nats-server", "github.com/nats-io/nats-server/v2", natsVersion}.image(natsProgram, natsConfig()),
	}
	toxiproxyImage = &image{
		name:     "toxiproxy",
		override: "WHARF_TEST_TOXIPROXY_IMAGE",
		official: "ghcr.io/shopify/toxiproxy:2.5.0",
		local:    "localhost/wharf-test/toxiproxy:2.5.0-1",
		recipe:   goProgram{"toxiproxy", "github.com/Shopify/toxiproxy/v2/cmd/server", toxiproxyVersion}.image(toxiproxyProgram, toxiproxyConfig()),
	}
)

// images lists every image, for building them ahead of time.
func images() []*image {
	return []*image{postgresImage, registryV3Image, registryV2Image, natsImage, toxiproxyImage}
}
