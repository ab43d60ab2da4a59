package service

import (
	"log/slog"
	"time"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

// Config is what an ImageService is made of. Store and Authorizer are required;
// the zero value of every other field is the default that it documents.
type Config struct {
	Store      repository.Store
	Authorizer port.Authorizer

	// Registries and Agents are the adapters by type; a row of another type is
	// refused with precondition, reason adapter_missing.
	Registries map[domain.RegistryType]port.OpenRegistry
	Agents     map[domain.AgentKind]port.OpenAgent

	Tenancy port.Tenancy // nil: the store's own tables
	Tasks   port.Tasks   // nil: delivered within this process
	Limiter port.Limiter // nil: in process, with DefaultRates
	Sealer  port.Sealer  // nil: registries with a password are refused

	// Resolutions remembers for reads what names mean; nil: nothing does.
	Resolutions port.Resolutions

	// Middleware wraps every call, outermost first, just inside the recovery:
	// the place for tracing and metrics. It sees every outcome, denials too.
	Middleware []Middleware
	Logger     *slog.Logger     // nil: silent
	Now        func() time.Time // nil: time.Now

	// Local opens the stores of images of this process: engine, layouts, archives.
	// nil: it has none, as a server should; images are built on agents, and moved
	// from and to them.
	Local port.OpenLocal

	// References reads names without a registry or project, and image: URIs; the
	// zero value means docker.io/library, and no clusters.
	References domain.ReferenceParser
	// Architecture is taken for reads that name none; "": the host's.
	Architecture string

	Save     Save
	Timeouts Timeouts
	Fleet    Fleet
	Work     Work
	Build    Build
}

// Timeouts bound one call by its effect, unless the action has its own. Zero
// is the default in brackets, negative is none.
type Timeouts struct {
	Read     time.Duration // 30 s
	Write    time.Duration // 30 s
	Agent    time.Duration // none: each agent call has its own deadline
	Registry time.Duration // none: each request has its own deadline
}

func (t Timeouts) of(e actions.Effect) time.Duration {
	d := [...]time.Duration{t.Read, t.Write, t.Agent, t.Registry}[e]
	if d == 0 {
		d = [...]time.Duration{30 * time.Second, 30 * time.Second, -1, -1}[e]
	}
	return d
}

// Save bounds what users make of their containers.
type Save struct {
	// Quota is how many customized images a user may have in one registry row; 0
	// is no limit. Those count that the catalogue has, forgotten ones too, since
	// the registry keeps them.
	Quota int
}

// Fleet bounds work on many nodes and repositories. Zero is the default in
// brackets.
type Fleet struct {
	Agents       int           // agents that one action works on at once (256)
	Repositories int           // repositories of a registry scanned at once (16)
	Requests     int           // tags of a registry read at once (16)
	AgentCall    time.Duration // deadline of one inventory or removal (60 s)

	// How images are pulled. The limits hold over all actions of the process.
	AgentPulls    int           // images pulled onto one agent at once (2)
	RegistryPulls int           // images pulled from one registry at once (128)
	PullAttempts  int           // how often one image is tried while errors pass (3)
	PullBackoff   time.Duration // wait before the second try; doubles (1 s)
	PullStall     time.Duration // longest time without a byte (5 min)
	AgentPull     time.Duration // deadline of one image with all its tries (2 h)

	// Defer is how long an agent that is away is waited for (24 h).
	Defer time.Duration
}

func (f Fleet) withDefaults() Fleet {
	def := func(n *int, v int) {
		if *n <= 0 {
			*n = v
		}
	}
	def(&f.Agents, 256)
	def(&f.Repositories, 16)
	def(&f.Requests, 16)
	def(&f.AgentPulls, 2)
	def(&f.RegistryPulls, 128)
	def(&f.PullAttempts, 3)
	orElse(&f.AgentCall, time.Minute)
	orElse(&f.PullBackoff, time.Second)
	orElse(&f.PullStall, 5*time.Minute)
	orElse(&f.AgentPull, 2*time.Hour)
	orElse(&f.Defer, 24*time.Hour)
	return f
}

func orElse(d *time.Duration, v time.Duration) {
	if *d <= 0 {
		*d = v
	}
}

// ImageService is Wharf: one method per action. It embeds its rooms, each of
// which holds only the ports that it needs. It is safe for concurrent use and
// starts no goroutine of its own.
type ImageService struct {
	*CatalogService
	*RegistryService
	*AgentService
	*TaskService
	*AccessService
	*TransferService
	*BuildService
}

// New checks the configuration and builds the service. Errors: invalid, on the
// field.
func New(cfg Config) (*ImageService, error) {
	if cfg.Store == nil {
		return nil, domain.Invalid("config_invalid", "Store", "a service needs a Store")
	}
	if cfg.Authorizer == nil {
		return nil, domain.Invalid("config_invalid", "Authorizer", "a service needs an Authorizer")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Limiter == nil {
		cfg.Limiter = NewLimiter(DefaultRates(), cfg.Now)
	}
	if cfg.Architecture == "" {
		cfg.Architecture = domain.HostArchitecture()
	}
	arch, err := domain.NormalizeArchitecture(cfg.Architecture)
	if err != nil {
		return nil, domain.Wrap("Architecture", err)
	}
	if err := cfg.References.Clusters.Check(); err != nil {
		return nil, domain.Wrap("References", err)
	}
	d := &door{store: cfg.Store, tenancy: cfg.Tenancy, resolutions: cfg.Resolutions, invoke: compose(chain(cfg)...)}
	names := names{parser: cfg.References, architecture: arch}
	clients, fleet := newClients(cfg), cfg.Fleet.withDefaults()
	if cfg.Tasks == nil {
		cfg.Tasks = newLocalTasks()
	}
	tasks := &TaskService{door: d, delivery: cfg.Tasks, log: cfg.Logger, now: cfg.Now, work: cfg.Work.withDefaults(), bell: newBell(cfg.Store)}
	slots := newSlots()
	orElse(&cfg.Build.Timeout, time.Hour)
	return &ImageService{
		TransferService: &TransferService{door: d, names: names, clients: clients, fleet: fleet, tasks: tasks, slots: slots, local: cfg.Local, quota: cfg.Save.Quota, now: cfg.Now},
		BuildService:    &BuildService{door: d, names: names, clients: clients, fleet: fleet, tasks: tasks, now: cfg.Now, local: cfg.Local, build: cfg.Build},
		CatalogService:  &CatalogService{door: d, names: names, clients: clients, fleet: fleet, now: cfg.Now},
		RegistryService: &RegistryService{door: d, names: names, clients: clients, fleet: fleet, tasks: tasks},
		AgentService:    &AgentService{door: d, names: names, clients: clients, fleet: fleet, tasks: tasks, slots: slots},
		TaskService:     tasks,
		AccessService:   &AccessService{door: d, authorizer: cfg.Authorizer, now: cfg.Now, log: cfg.Logger},
	}, nil
}

// chain is the list of middleware, outermost first. Its order is part of the
// contract; Example_order prints it.
func chain(cfg Config) []Middleware {
	list := []Middleware{coded(cfg.Logger, cfg.Now)}
	list = append(list, cfg.Middleware...)
	return append(list,
		logged(cfg.Logger, cfg.Now),
		authenticated,
		audited(cfg.Logger, cfg.Store),
		recovered(cfg.Logger),
		limited(cfg.Limiter),
		authorized(cfg.Authorizer),
		validated,
		bounded(cfg.Timeouts),
		begun(cfg.Store),
	)
}
