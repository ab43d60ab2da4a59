package domain

import (
	"encoding/json"
	"time"
)

// AuditStatus is the outcome of an audited call.
type AuditStatus string

// The outcomes.
const (
	AuditStarted AuditStatus = "started" // an external effect is under way, or was cut off
	AuditOK      AuditStatus = "ok"
	AuditFailed  AuditStatus = "failed"
	AuditDenied  AuditStatus = "denied"
)

// AuditEntry is one row of the trail: who did what to which things, and how it
// ended. Entries of successful changes are written in the transaction of the
// change. Repeats of a denial or failure within a minute share an entry.
type AuditEntry struct {
	ID     AuditID         `json:"id"`
	At     time.Time       `json:"at"`
	Actor  UserID          `json:"actor"`
	Role   Role            `json:"role"`
	Domain string          `json:"domain,omitempty"`
	Action string          `json:"action"`
	Status AuditStatus     `json:"status"`
	Code   Code            `json:"code,omitempty"`
	Reason string          `json:"reason,omitempty"`
	Rule   string          `json:"rule,omitempty"`   // the policy line that decided
	Target []string        `json:"target,omitempty"` // ids of what was touched
	Params json.RawMessage `json:"params,omitempty"` // the action, redacted, 4 KiB at most
	Count  int             `json:"count"`            // calls behind this entry
	ReqID  string          `json:"request_id,omitempty"`
}

// AuditFields is the table of fields for lists of audit entries.
var AuditFields = Fields{
	"at":         {Kind: KindTime, Sortable: true},
	"actor":      {Kind: KindText},
	"role":       {Kind: KindText},
	"action":     {Kind: KindText},
	"status":     {Kind: KindEnum, Values: []string{string(AuditStarted), string(AuditOK), string(AuditFailed), string(AuditDenied)}},
	"code":       {Kind: KindText},
	"target":     {Kind: KindSet},
	"request_id": {Kind: KindText},
}
