package domain

// ScalingGroupGrant lets a domain, or a project in it, use a scaling group.
// Project "" means the whole domain.
type ScalingGroupGrant struct {
	ScalingGroup string `json:"scaling_group"`
	Domain       string `json:"domain"`
	Project      string `json:"project,omitempty"`
}

// Check tests the names. Errors: invalid, reason name_invalid.
func (g ScalingGroupGrant) Check() error {
	if err := CheckName("scaling group", g.ScalingGroup); err != nil {
		return err
	}
	if err := CheckName("domain", g.Domain); err != nil {
		return err
	}
	if g.Project != "" {
		return CheckName("project", g.Project)
	}
	return nil
}

// ScalingGroupFields is the table of fields for lists of such grants.
var ScalingGroupFields = Fields{
	"scaling_group": {Kind: KindText, Sortable: true},
	"domain":        {Kind: KindText},
	"project":       {Kind: KindText},
}

// AliasDetail is an alias with the image it names.
type AliasDetail struct {
	Alias
	Canonical    string `json:"canonical"`
	Architecture string `json:"architecture"`
}

// AliasFields is the table of fields for lists of aliases.
var AliasFields = Fields{
	"alias":      {Kind: KindText, Sortable: true},
	"image_id":   {Kind: KindText},
	"canonical":  {Kind: KindText},
	"created_at": {Kind: KindTime, Sortable: true},
}

// SyncOutcome is what a scan did to one row.
type SyncOutcome string

// What a scan can do to a row.
const (
	SyncAdded     SyncOutcome = "added"
	SyncUpdated   SyncOutcome = "updated"
	SyncUnchanged SyncOutcome = "unchanged"
)

// InventoryChange counts what a full inventory changed.
type InventoryChange struct {
	Added     int `json:"added"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
	Removed   int `json:"removed"`
}
