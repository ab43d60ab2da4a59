package actions

import "github.com/wharf-project/wharf/domain"

// MaxBulk is the largest number of items that one action takes.
const MaxBulk = 1000

func need(field, value string) error {
	if value == "" {
		return domain.Invalid("field_required", field, "%s is required", field)
	}
	return nil
}

func needImage(field, reference, architecture string) error {
	if err := need(field, reference); err != nil || architecture == "" {
		return err
	}
	_, err := domain.NormalizeArchitecture(architecture)
	return err
}

func needID[T ~string](field string, id T) error {
	_, err := domain.ParseID[T](field, string(id))
	return err
}

// needNumber checks an id that the database counted.
func needNumber(field string, id int64) error {
	if id == 0 {
		return domain.Invalid("field_required", field, "%s is required", field)
	}
	return needNumberOrNone(field, id)
}

func needNumberOrNone(field string, id int64) error {
	if id < 0 {
		return domain.Invalid("id_invalid", field, "%s is not an id: %d", field, id)
	}
	return nil
}

func needIDs[T ~string](field string, ids []T) error {
	if len(ids) == 0 || len(ids) > MaxBulk {
		return domain.Invalid("field_required", field, "%s: 1-%d ids, not %d", field, MaxBulk, len(ids))
	}
	for _, id := range ids {
		if err := needID(field, id); err != nil {
			return err
		}
	}
	return nil
}

func needAgent(id domain.AgentID) error {
	_, err := domain.ParseAgentID(string(id))
	return err
}

func needRefs(refs []ImageRef) error {
	if len(refs) == 0 || len(refs) > MaxBulk {
		return domain.Invalid("field_required", "images", "images: 1-%d, not %d", MaxBulk, len(refs))
	}
	for _, r := range refs {
		if err := needImage("name", r.Name, r.Architecture); err != nil {
			return err
		}
	}
	return nil
}

// needPlanAtOnce refuses a dry run in the background: its plan is the answer.
func needPlanAtOnce(dryRun, background bool) error {
	if dryRun && background {
		return domain.Invalid("background_dry_run", "background", "a dry run tells its plan at once, not in the background")
	}
	return nil
}

// needTargets checks an expression that names agents.
func needTargets(expr string) error {
	if expr == "" {
		return need("target_agents", expr)
	}
	_, err := domain.ParseTargets(expr)
	return err
}

func needList(f domain.Filter, p domain.Page, fields domain.Fields, defaultSort string) error {
	_, err := p.Check(fields, defaultSort)
	return firstError(err, f.Check(fields))
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
