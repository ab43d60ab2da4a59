package bunstore

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
)

// The rows. Ids are made in Go and nothing is read back after ON CONFLICT:
// bun would give returned values to rows by position, and so to wrong ones.

type imageRow struct {
	bun.BaseModel `bun:"table:wharf_images,alias:i"`

	ID             string    `bun:"id,pk"`
	RegistryID     string    `bun:"registry_id"`
	Registry       string    `bun:"registry"`
	Project        string    `bun:"project"`
	Name           string    `bun:"name"`
	Tag            string    `bun:"tag"`
	Architecture   string    `bun:"architecture"`
	Repository     string    `bun:"repository"`
	Canonical      string    `bun:"canonical"`
	TagDigest      string    `bun:"tag_digest"`
	ManifestDigest string    `bun:"manifest_digest"`
	ConfigDigest   string    `bun:"config_digest"`
	SizeBytes      int64     `bun:"size_bytes"`
	Type           string    `bun:"type"`
	Status         string    `bun:"status"`
	IsLocal        bool      `bun:"is_local"`
	Operation      bool      `bun:"operation"`
	Customized     bool      `bun:"customized"`
	Owner          string    `bun:"owner"`
	Accelerators   string    `bun:"accelerators"`
	Labels         string    `bun:"labels"`
	OperatorLabels string    `bun:"operator_labels"`
	CustomLimits   string    `bun:"custom_limits"`
	CreatedAt      time.Time `bun:"created_at"`
	UpdatedAt      time.Time `bun:"updated_at"`
	LastUsedAt     time.Time `bun:"last_used_at"`
	Revision       int64     `bun:"revision"`
}

type labelRow struct {
	bun.BaseModel `bun:"table:wharf_image_labels,alias:l"`

	ImageID string `bun:"image_id,pk"`
	Name    string `bun:"name,pk"`
	Value   string `bun:"value"`
}

type acceleratorRow struct {
	bun.BaseModel `bun:"table:wharf_image_accelerators,alias:x"`

	ImageID     string `bun:"image_id,pk"`
	Accelerator string `bun:"accelerator,pk"`
}

type aliasRow struct {
	bun.BaseModel `bun:"table:wharf_aliases,alias:al"`

	ID        string    `bun:"id,pk"`
	Alias     string    `bun:"alias"`
	ImageID   string    `bun:"image_id"`
	CreatedAt time.Time `bun:"created_at"`
}

type registryRow struct {
	bun.BaseModel `bun:"table:wharf_registries,alias:r"`

	ID             string    `bun:"id,pk"`
	Name           string    `bun:"name"`
	Project        string    `bun:"project"`
	URL            string    `bun:"url"`
	Type           string    `bun:"type"`
	Username       string    `bun:"username"`
	Password       string    `bun:"password"`
	IsGlobal       bool      `bun:"is_global"`
	TLSSkipVerify  bool      `bun:"tls_skip_verify"`
	PrivateNetwork bool      `bun:"private_network"`
	TokenRealms    string    `bun:"token_realms"`
	CreatedAt      time.Time `bun:"created_at"`
	UpdatedAt      time.Time `bun:"updated_at"`
	Revision       int64     `bun:"revision"`
}

type registryDomainRow struct {
	bun.BaseModel `bun:"table:wharf_registry_domains,alias:rd"`

	RegistryID string `bun:"registry_id,pk"`
	Domain     string `bun:"domain,pk"`
}

type registryProjectRow struct {
	bun.BaseModel `bun:"table:wharf_registry_projects,alias:rp"`

	RegistryID string `bun:"registry_id,pk"`
	Project    string `bun:"project,pk"`
}

type agentRow struct {
	bun.BaseModel `bun:"table:wharf_agents,alias:a"`

	ID           string    `bun:"id,pk"`
	Kind         string    `bun:"kind"`
	Address      string    `bun:"address"`
	ScalingGroup string    `bun:"scaling_group"`
	Architecture string    `bun:"architecture"`
	Status       string    `bun:"status"`
	Labels       string    `bun:"labels"`
	InventoryAt  time.Time `bun:"inventory_at"`
	InventoryRev string    `bun:"inventory_revision"`
	CreatedAt    time.Time `bun:"created_at"`
	UpdatedAt    time.Time `bun:"updated_at"`
	Revision     int64     `bun:"revision"`
}

type installedRow struct {
	bun.BaseModel `bun:"table:wharf_installed,alias:n"`

	AgentID      string    `bun:"agent_id,pk"`
	Canonical    string    `bun:"canonical,pk"`
	Architecture string    `bun:"architecture,pk"`
	Digest       string    `bun:"digest"`
	SizeBytes    int64     `bun:"size_bytes"`
	Containers   string    `bun:"containers"`
	ObservedAt   time.Time `bun:"observed_at"`
}

type scalingGroupRow struct {
	bun.BaseModel `bun:"table:wharf_scaling_groups,alias:g"`

	ScalingGroup string `bun:"scaling_group,pk"`
	Domain       string `bun:"domain,pk"`
	Project      string `bun:"project,pk"`
}

type auditRow struct {
	bun.BaseModel `bun:"table:wharf_audit,alias:e"`

	ID        string    `bun:"id,pk"`
	At        time.Time `bun:"at"`
	Actor     string    `bun:"actor"`
	Role      string    `bun:"role"`
	Domain    string    `bun:"domain"`
	Action    string    `bun:"action"`
	Status    string    `bun:"status"`
	Code      string    `bun:"code"`
	Reason    string    `bun:"reason"`
	Rule      string    `bun:"rule"`
	Params    string    `bun:"params"`
	Count     int64     `bun:"count"`
	RequestID string    `bun:"request_id"`
}

type auditTargetRow struct {
	bun.BaseModel `bun:"table:wharf_audit_targets,alias:t"`

	AuditID string `bun:"audit_id,pk"`
	Target  string `bun:"target,pk"`
}

type idempotencyRow struct {
	bun.BaseModel `bun:"table:wharf_idempotency,alias:k"`

	Actor     string    `bun:"actor,pk"`
	Action    string    `bun:"action,pk"`
	Key       string    `bun:"key,pk"`
	Hash      string    `bun:"hash"`
	Settled   bool      `bun:"settled"`
	Result    string    `bun:"result"`
	ClaimedAt time.Time `bun:"claimed_at"`
}

// models lists every row type; the schema test compares them with the tables.
func models() []any {
	return []any{
		(*imageRow)(nil), (*labelRow)(nil), (*acceleratorRow)(nil), (*aliasRow)(nil), (*registryRow)(nil),
		(*registryDomainRow)(nil), (*registryProjectRow)(nil), (*agentRow)(nil), (*installedRow)(nil),
		(*scalingGroupRow)(nil), (*auditRow)(nil), (*auditTargetRow)(nil), (*idempotencyRow)(nil),
		(*taskRow)(nil), (*taskItemRow)(nil), (*taskEventRow)(nil), (*intentRow)(nil), (*reservationRow)(nil),
		(*roleRow)(nil), (*roleBindingRow)(nil), (*policyRow)(nil), (*apiKeyRow)(nil),
		(*buildTaskRow)(nil), (*buildableRow)(nil), (*builtImageRow)(nil),
	}
}

// never stands for the zero time in columns that are sorted by.
var never = time.Unix(0, 0).UTC()

func stored(t time.Time) time.Time {
	if t.IsZero() {
		return never
	}
	return t.UTC().Truncate(time.Microsecond)
}

func loaded(t time.Time) time.Time {
	if t.Equal(never) {
		return time.Time{}
	}
	return t.UTC()
}

// toJSON writes a value for a JSON column. Postgres cannot hold NUL in JSON
// text; what comes from registries is cleaned before it gets here.
func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // maps and slices of strings: cannot happen
		return "null"
	}
	return string(b)
}

func fromJSON(s string, v any) {
	_ = json.Unmarshal([]byte(s), v) // written by toJSON
}

// clean makes foreign text storable: valid UTF-8 without NUL.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

func cleanMap(m map[string]string) map[string]string {
	if m == nil {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[clean(k)] = clean(v)
	}
	return out
}

func imageOf(r *imageRow) domain.Image {
	img := domain.Image{
		ID: domain.ImageID(r.ID), RegistryID: domain.RegistryID(r.RegistryID),
		Registry: r.Registry, Project: r.Project, Name: r.Name, Tag: r.Tag, Architecture: r.Architecture,
		TagDigest: domain.Digest(r.TagDigest), ManifestDigest: domain.Digest(r.ManifestDigest), ConfigDigest: domain.Digest(r.ConfigDigest),
		SizeBytes: r.SizeBytes, Type: domain.ImageType(r.Type), Status: domain.ImageStatus(r.Status),
		IsLocal: r.IsLocal, Operation: r.Operation, Customized: r.Customized, Owner: domain.UserID(r.Owner),
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), LastUsedAt: loaded(r.LastUsedAt), Revision: r.Revision,
	}
	fromJSON(r.Accelerators, &img.Accelerators)
	fromJSON(r.Labels, &img.Labels)
	fromJSON(r.OperatorLabels, &img.OperatorLabels)
	fromJSON(r.CustomLimits, &img.CustomLimits)
	return img
}

func rowOf(i *domain.Image) *imageRow {
	i.Labels, i.OperatorLabels = cleanMap(i.Labels), cleanMap(i.OperatorLabels)
	return &imageRow{
		ID: string(i.ID), RegistryID: string(i.RegistryID),
		Registry: i.Registry, Project: i.Project, Name: i.Name, Tag: i.Tag, Architecture: i.Architecture,
		Repository: i.Repository(), Canonical: i.Canonical(),
		TagDigest: string(i.TagDigest), ManifestDigest: string(i.ManifestDigest), ConfigDigest: string(i.ConfigDigest),
		SizeBytes: i.SizeBytes, Type: string(i.Type), Status: string(i.Status),
		IsLocal: i.IsLocal, Operation: i.Operation, Customized: i.Customized, Owner: clean(string(i.Owner)),
		Accelerators: toJSON(i.Accelerators), Labels: toJSON(i.Labels), OperatorLabels: toJSON(i.OperatorLabels), CustomLimits: toJSON(i.CustomLimits),
		CreatedAt: stored(i.CreatedAt), UpdatedAt: stored(i.UpdatedAt), LastUsedAt: stored(i.LastUsedAt), Revision: i.Revision,
	}
}
