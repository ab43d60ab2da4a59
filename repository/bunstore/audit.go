package bunstore

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
)

type audits session

var auditTable = &table{
	fields: domain.AuditFields,
	columns: map[string]string{
		"at": "e.at", "actor": "e.actor", "role": "e.role", "action": "e.action", "status": "e.status", "code": "e.code", "request_id": "e.request_id",
	},
	sets: map[string]string{
		"target": "EXISTS (SELECT 1 FROM wharf_audit_targets AS t WHERE t.audit_id = e.id AND t.target IN (?))",
	},
	defaultSort: "at",
	id:          "e.id",
}

func (l *audits) List(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.AuditEntry, domain.PageInfo, error) {
	s := (*session)(l)
	if err := s.reading(ctx, "audit.list"); err != nil {
		return nil, domain.PageInfo{}, err
	}
	q := l.db.NewSelect().Model((*auditRow)(nil))
	if !s.any() {
		q = q.Where("e.actor = ?", string(s.actor().ID))
	}
	q, p, err := auditTable.page(q, l.store.pg, f, p)
	if err != nil {
		return nil, domain.PageInfo{}, err
	}
	rows, info, err := listed(ctx, auditTable, q, p, func(r auditRow, _ string) (string, string) {
		return domain.CursorTime(r.At), r.ID
	})
	if err != nil {
		return nil, info, err
	}
	list, at, ids := make([]domain.AuditEntry, len(rows)), map[string]int{}, make([]string, len(rows))
	for i := range rows {
		list[i], at[rows[i].ID], ids[i] = entryOf(&rows[i]), i, rows[i].ID
	}
	if len(ids) == 0 {
		return list, info, nil
	}
	var targets []auditTargetRow
	err = l.db.NewSelect().Model(&targets).Where("t.audit_id IN (?)", bun.List(ids)).OrderExpr("t.target").Scan(ctx)
	for _, t := range targets {
		e := &list[at[t.AuditID]]
		e.Target = append(e.Target, t.Target)
	}
	return list, info, translate("audit.targets", err)
}

// Record writes an entry in a transaction of its own.
func (s *Store) Record(ctx context.Context, e domain.AuditEntry) error {
	if err := domain.RefuseInTx(ctx, "store.record"); err != nil {
		return err
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return translate("audit", err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := (&session{store: s, db: tx, inTx: true}).audit(ctx, e, e.Target, true); err != nil {
		return err
	}
	return translate("audit", tx.Commit())
}

// audit writes an entry with its targets, or updates the one of the same id:
// targets are added to its own, and so is the count for a repeat.
func (s *session) audit(ctx context.Context, e domain.AuditEntry, targets []string, repeat bool) error {
	row := &auditRow{
		ID: string(e.ID), At: stored(e.At), Actor: clean(string(e.Actor)), Role: clean(string(e.Role)), Domain: clean(e.Domain),
		Action: e.Action, Status: string(e.Status), Code: string(e.Code), Reason: e.Reason, Rule: clean(e.Rule),
		Params: params(e.Params), Count: int64(e.Count), RequestID: clean(e.ReqID),
	}
	q := s.db.NewInsert().Model(row).On("CONFLICT (id) DO UPDATE").
		Set("status = EXCLUDED.status").Set("code = EXCLUDED.code").Set("reason = EXCLUDED.reason").Set("rule = EXCLUDED.rule").Returning("NULL")
	if repeat { // a second transaction of one call is still one call
		q = q.Set("count = e.count + EXCLUDED.count")
	}
	if _, err := q.Exec(ctx); err != nil {
		return translate("audit", err)
	}
	targets = slices.Clone(targets)
	for i, t := range targets {
		targets[i] = indexed(t)
	}
	slices.Sort(targets)
	targets = slices.Compact(targets)
	for part := range slices.Chunk(targets, syncBatch) {
		rows := make([]auditTargetRow, len(part))
		for i, t := range part {
			rows[i] = auditTargetRow{AuditID: row.ID, Target: t}
		}
		if _, err := s.db.NewInsert().Model(&rows).On("CONFLICT DO NOTHING").Returning("NULL").Exec(ctx); err != nil {
			return translate("audit", err)
		}
	}
	return nil
}

// indexed makes a name that came from outside fit an index row.
func indexed(s string) string {
	if s = clean(s); len(s) > longestIndexed {
		s = strings.ToValidUTF8(s[:longestIndexed], "")
	}
	return s
}

// params keeps what is JSON; bytes that Postgres could not hold are dropped.
func params(b json.RawMessage) string {
	if len(b) == 0 || !json.Valid(b) {
		return "null"
	}
	var v any
	_ = json.Unmarshal(b, &v)
	return toJSON(cleanValue(v))
}

func cleanValue(v any) any {
	switch v := v.(type) {
	case string:
		return clean(v)
	case []any:
		for i := range v {
			v[i] = cleanValue(v[i])
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[clean(k)] = cleanValue(e)
		}
		return out
	}
	return v
}

func entryOf(r *auditRow) domain.AuditEntry {
	e := domain.AuditEntry{
		ID: domain.AuditID(r.ID), At: r.At.UTC(), Actor: domain.UserID(r.Actor), Role: domain.Role(r.Role), Domain: r.Domain,
		Action: r.Action, Status: domain.AuditStatus(r.Status), Code: domain.Code(r.Code), Reason: r.Reason, Rule: r.Rule,
		Count: int(r.Count), ReqID: r.RequestID,
	}
	if r.Params != "null" {
		e.Params = json.RawMessage(r.Params)
	}
	return e
}
