package cli

import (
	"strconv"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// builds is the tables of build tasks and what belongs to them.
func (p *printer) builds(result any) (columns []column, rows [][]cell) {
	switch r := result.(type) {
	case actions.ListBuildTasksResult:
		columns = []column{{head: "ID", right: true}, {head: "TASK", cut: true}, {head: "AUTHOR", cut: true}, {head: "CREATED"}}
		for _, t := range r.Tasks {
			rows = append(rows, cells(number(t.ID), t.Name, string(t.Author), ago(p.now, t.CreatedAt)))
		}
	case actions.ListModelsResult:
		return p.buildables("MODEL", r.Models)
	case actions.ListPipelinesResult:
		return p.buildables("PIPELINE", r.Pipelines)
	case actions.ListBuiltImagesResult:
		columns = []column{{head: "ID", right: true}, {head: "IMAGE", cut: true}, {head: "FROM"}, {head: "STATE"}, {head: "PLACE", cut: true}, {head: "PUSHED", cut: true}, {head: "AUTHOR", cut: true}, {head: "CREATED"}}
		for _, b := range r.Images {
			row := cells(number(b.ID), b.FullName(), string(b.SourceKind)+" "+number(b.SourceID()), string(b.State), string(b.AgentID)+b.Store, b.Pushed, string(b.Author), ago(p.now, b.CreatedAt))
			if b.State != domain.BuildDone {
				row[3].style = warn
			}
			rows = append(rows, row)
		}
	}
	return columns, rows
}

func (p *printer) buildables(head string, list []domain.Buildable) (columns []column, rows [][]cell) {
	columns = []column{{head: "ID", right: true}, {head: head, cut: true}, {head: "TASK", right: true}, {head: "SOURCE", cut: true}, {head: "AUTHOR", cut: true}, {head: "CREATED"}}
	for _, b := range list {
		source := b.Source.Path
		if b.Source.Template != nil {
			source = "on " + b.Source.Template.BaseImage
		}
		rows = append(rows, cells(number(b.ID), b.Name, number(b.TaskID), string(b.Source.Type)+" "+source, string(b.Author), ago(p.now, b.CreatedAt)))
	}
	return columns, rows
}

func number(id int64) string { return strconv.FormatInt(id, 10) }
