package rest

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// imagesPath is the resource of built images that clients of ebonite are written
// against. It has paths, bodies and statuses of its own.
const imagesPath = "/images"

// images serves the resource.
func (s *server) images(w http.ResponseWriter, r *http.Request) {
	id, one := strings.CutPrefix(r.URL.EscapedPath(), imagesPath+"/")
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	serve, allow := map[string]func(http.ResponseWriter, *http.Request) error{
		http.MethodGet: s.listImages, http.MethodPost: s.buildImage,
	}[method], "GET, HEAD, POST"
	if one {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil || n <= 0 || strings.Trim(id, "0123456789") != "" {
			failImages(w, domain.NotFound("built_image", shown(id)))
			return
		}
		by := map[string]func(http.ResponseWriter, *http.Request, int64) error{
			http.MethodGet: s.getImage, http.MethodPatch: s.renameImage, http.MethodDelete: s.deleteImage,
		}[method]
		serve, allow = nil, "DELETE, GET, HEAD, PATCH"
		if by != nil {
			serve = func(w http.ResponseWriter, r *http.Request) error { return by(w, r, n) }
		}
	}
	if serve == nil {
		w.Header().Set("Allow", allow)
		failImages(w, domain.Invalid("method_not_allowed", shown(r.Method), "this takes %s, not %s", allow, domain.Quote(r.Method)))
		return
	}
	if err := serve(w, r); err != nil {
		failImages(w, err)
	}
}

// listImages answers with all images of a task: the interface has no pages.
func (s *server) listImages(w http.ResponseWriter, r *http.Request) error {
	q, err := imageQuery(r, "task_id")
	if err != nil {
		return err
	}
	task, err := strconv.ParseInt(q.Get("task_id"), 10, 64)
	if err != nil {
		return domain.Invalid("task_id_invalid", "task_id", "task_id is the number of a task")
	}
	if task <= 0 {
		return domain.NotFound("build_task", strconv.FormatInt(task, 10))
	}
	list := []imageBody{}
	a := actions.ListBuiltImagesAction{TaskID: task, Page: domain.Page{Limit: domain.MaxPageSize}}
	for {
		res, err := s.svc.ListBuiltImages(r.Context(), a)
		s.tellRates(r.Context(), w.Header(), actions.Read)
		if err != nil {
			return err
		}
		for _, b := range res.Images {
			list = append(list, imageBodyOf(b))
		}
		if a.After = res.Next; a.After == "" {
			return answerImages(w, http.StatusOK, list)
		}
	}
}

func (s *server) getImage(w http.ResponseWriter, r *http.Request, id int64) error {
	if _, err := imageQuery(r); err != nil {
		return err
	}
	res, err := s.svc.GetBuiltImage(r.Context(), actions.GetBuiltImageAction{ID: id})
	s.tellRates(r.Context(), w.Header(), actions.Read)
	if err != nil {
		return err
	}
	return answerImages(w, http.StatusOK, imageBodyOf(res.Image))
}

// buildImage answers when the image is built, or with a task for who prefers it.
func (s *server) buildImage(w http.ResponseWriter, r *http.Request) error {
	q, err := imageQuery(r, "skip_build")
	if err != nil {
		return err
	}
	var body buildBody
	ctx, err := s.imageWrite(w, r, &body)
	if err != nil {
		return err
	}
	a, err := body.action()
	if err != nil {
		return err
	}
	if a.SkipBuild, err = imageFlag(q, "skip_build"); err != nil {
		return err
	}
	a.Background = prefersAsync(r.Header)
	res, err := s.svc.BuildImage(ctx, a)
	s.tellRates(ctx, w.Header(), actions.Agent)
	if err != nil {
		return err
	}
	h := w.Header()
	if res.Image == nil {
		h.Set("Preference-Applied", "respond-async")
		h.Set("Location", pathOf("task.get")+"?task_id="+url.QueryEscape(string(res.TaskID)))
		return answerImages(w, http.StatusAccepted, taskBody{res.TaskID})
	}
	h.Set("Location", imagesPath+"/"+strconv.FormatInt(res.Image.ID, 10))
	return answerImages(w, http.StatusCreated, imageBodyOf(*res.Image))
}

func (s *server) renameImage(w http.ResponseWriter, r *http.Request, id int64) error {
	if _, err := imageQuery(r); err != nil {
		return err
	}
	var body renameBody
	ctx, err := s.imageWrite(w, r, &body)
	if err != nil {
		return err
	}
	_, err = s.svc.RenameBuiltImage(ctx, actions.RenameBuiltImageAction{ID: id, Name: body.Name})
	s.tellRates(ctx, w.Header(), actions.Write)
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

func (s *server) deleteImage(w http.ResponseWriter, r *http.Request, id int64) error {
	q, err := imageQuery(r, "cascade", "meta_only")
	if err != nil {
		return err
	}
	a := actions.DeleteBuiltImageAction{ID: id}
	if a.Cascade, err = imageFlag(q, "cascade"); err != nil {
		return err
	}
	if a.MetaOnly, err = imageFlag(q, "meta_only"); err != nil {
		return err
	}
	ctx, err := s.imageWrite(w, r, nil)
	if err != nil {
		return err
	}
	_, err = s.svc.DeleteBuiltImage(ctx, a)
	s.tellRates(ctx, w.Header(), actions.Agent)
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// imageQuery reads a query of these parameters, each once at most: a flag that
// is misspelt must not be taken for none.
func imageQuery(r *http.Request, known ...string) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, domain.Invalid("query_invalid", "query", "the query cannot be read")
	}
	for _, name := range known {
		if len(q[name]) > 1 {
			return nil, domain.Invalid("query_invalid", name, "%s is given twice", name)
		}
	}
	left := len(q)
	for _, name := range known {
		if q.Has(name) {
			left--
		}
	}
	if left > 0 {
		return nil, domain.Invalid("query_invalid", "query", "the query takes: %s", orNone(known))
	}
	return q, nil
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

func imageFlag(q url.Values, name string) (bool, error) {
	switch v := q.Get(name); {
	case !q.Has(name), v == "0":
		return false, nil
	case v == "1":
		return true, nil
	}
	return false, domain.Invalid("flag_invalid", name, "%s is 0 or 1", name)
}

// imageWrite reads what comes with a write: its key, and its body unless into is
// nil.
func (s *server) imageWrite(w http.ResponseWriter, r *http.Request, into any) (context.Context, error) {
	ctx := r.Context()
	key, err := idempotencyKey(r.Header)
	if err != nil {
		return nil, err
	}
	if key != "" {
		ctx = domain.WithIdempotencyKey(ctx, key)
	}
	if into == nil {
		return ctx, nil
	}
	doc, err := s.readAll(w, r)
	if err != nil {
		return nil, err
	}
	return ctx, decodeImage(doc, into)
}
