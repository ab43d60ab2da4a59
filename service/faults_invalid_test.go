package service_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// fleetMalformed are values that a field cannot hold, by what it is.
func fleetMalformed(kind string) []any {
	long := strings.Repeat("x", 600)
	texts := func(list ...string) (out []any) {
		for _, s := range list {
			out = append(out, s)
		}
		return out
	}
	switch kind {
	case "image", "repository": // neither a reference nor an alias
		return texts("", "a b", "a\x00b", "http://x y/z", "a\nb", long)
	case "id":
		return texts("", "x", "' OR 1=1 --", "01A1FC5E-28EA-726C-BF7B-8C6C97D22BCF", "01a1fc5e28ea726cbf7b8c6c97d22bcf", "01a1fc5e-28ea-726c-bf7b-8c6c97d22bcf\n")
	case "ids":
		return []any{[]domain.ImageID{}, []domain.ImageID{"x"}, make([]domain.ImageID, actions.MaxBulk+1)}
	case "agent":
		return texts("", "a b", "-a", "../a", strings.Repeat("a", 65), "a;b")
	case "agents":
		return texts("", ",", "a,,b", "a b", "*;a")
	case "architecture":
		return texts("a b", "x/y/z", "\x00", "linux/", strings.Repeat("a", 65))
	case "name":
		return texts("", "a b", "a\tb", strings.Repeat("n", 256))
	case "host":
		return texts("", "http://x", "a b", "x:0", "x:99999", "-x", "[::1", "ſ.example")
	case "limit":
		return texts("-1", "many", "1e3", "0x10", "1 2", "NaN")
	case "slot":
		return texts("CPU", "a b", "é", strings.Repeat("s", 65))
	case "cursor":
		return texts("x", "!!", "e30=", "eyJzIjoiYWxpYXMifQ==", long)
	case "sort":
		return texts("nope", "id; DROP TABLE wharf_images", "label.x")
	case "page":
		return []any{-1, domain.MaxPageSize + 1}
	case "status":
		return []any{[]domain.ImageStatus{"zombie"}, []domain.ImageStatus{""}, []domain.ImageStatus{"alive", "ALIVE"}}
	case "filter":
		deep := domain.Filter{Field: "nope", Op: domain.Eq}
		for range domain.MaxFilterDepth {
			deep = domain.NotOf(deep)
		}
		return []any{
			domain.Where("nope", domain.Eq, "x"), domain.Where("", domain.Eq, "x"), domain.Filter{Op: domain.Eq}, deep,
			domain.Where("created_at' OR 1=1", domain.Eq, "x"), domain.AllOf(domain.Where("nope", domain.Eq)),
		}
	}
	return nil
}

// fleetKind tells what a field of an action is; "" for what takes anything.
func fleetKind(f reflect.StructField) string {
	switch f.Type {
	case reflect.TypeFor[domain.ImageID](), reflect.TypeFor[domain.RegistryID]():
		return "id"
	case reflect.TypeFor[[]domain.ImageID]():
		return "ids"
	case reflect.TypeFor[domain.AgentID]():
		return "agent"
	case reflect.TypeFor[domain.Filter]():
		return "filter"
	case reflect.TypeFor[[]domain.ImageStatus]():
		return "status"
	}
	switch f.Name {
	case "Architecture":
		return "architecture"
	case "After":
		return "cursor"
	case "Sort":
		return "sort"
	case "Limit":
		return "page"
	case "Slot":
		return "slot"
	case "Min", "Max":
		return "limit"
	case "Domain", "ScalingGroup", "Project":
		return "name"
	}
	return f.Tag.Get("kind")
}

// fleetFields visits the fields of an action, also those of its first elements.
func fleetFields(v reflect.Value, path string, visit func(path string, f reflect.StructField, v reflect.Value)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() {
				continue
			}
			visit(path+"."+f.Name, f, v.Field(i))
			if f.Type != reflect.TypeFor[domain.Filter]() {
				fleetFields(v.Field(i), path+"."+f.Name, visit)
			}
		}
	case reflect.Slice:
		if v.Len() > 0 && v.Type().Elem().Kind() == reflect.Struct {
			fleetFields(v.Index(0), path, visit)
		}
	}
}

// fleetValid fills an action so that everything else about it is in order.
func fleetValid(f *fleet, e service.Entry, img domain.Image) reflect.Value {
	v := reflect.New(e.Action)
	refs := []actions.ImageRef{{Name: img.Canonical()}}
	switch a := v.Interface().(type) {
	case *actions.PurgeImagesAction:
		a.Keys = []actions.PurgeImagesKey{{AgentID: "a", Images: refs}}
	case *actions.PreloadImagesAction:
		a.Images, a.TargetAgents = refs, "a"
	case *actions.UnloadImagesAction:
		a.Images, a.TargetAgents = refs, "a"
	case *actions.ModifyImageAction:
		a.Modifier.IsLocal = domain.Set(true)
	case *actions.ModifyImageByIDAction:
		a.Modifier.IsLocal = domain.Set(true)
	case *actions.RegisterAgentAction:
		a.Kind, a.Address = domain.AgentOCILayout, "/x"
	case *actions.CreateRegistryAction:
		a.Name = "new.example.org"
	case *actions.ExplainAction:
		a.Permission = "image.get"
	case *actions.PushImageAction:
		a.Local = "app:1"
	}
	fleetFields(v.Elem(), "", func(_ string, field reflect.StructField, fv reflect.Value) {
		switch kind := fleetKind(field); {
		case kind == "id" && field.Name == "RegistryID":
			fv.SetString(string(img.RegistryID))
		case kind == "id":
			fv.SetString(string(img.ID))
		case kind == "ids":
			fv.Set(reflect.ValueOf([]domain.ImageID{img.ID}))
		case kind == "agent":
			fv.SetString("a")
		case kind == "image":
			fleetSet(fv, img.Canonical())
		case kind == "name" && fv.Kind() == reflect.String:
			fv.SetString("n")
		case kind == "slot":
			fv.SetString("cpu")
		case field.Name == "Min":
			fv.SetString("1")
		case field.Name == "Alias":
			fv.SetString("free-alias")
		case field.Name == "Registry" && kind == "registry":
			fv.SetString(fleetHost)
		}
	})
	switch a := v.Interface().(type) {
	case *actions.CreateRegistryAction:
		a.Project = ""
	case *actions.ListImageTagsAction:
		a.Image = img.Reference().Repository()
	}
	return v
}

// fleetSet sets a field, or the only element of a list.
func fleetSet(v reflect.Value, value any) {
	if text, ok := value.(string); ok && v.Kind() == reflect.Slice {
		value = []string{text}
	}
	v.Set(reflect.ValueOf(value).Convert(v.Type()))
}

// fleetProblem is an item's problem where an action gives one per item.
func fleetProblem(res any, err error) error {
	switch r := res.(type) {
	case actions.PurgeImagesResult:
		return fleetFirst(r.Errors, func(e actions.AgentError) *domain.Problem { return &e.Problem }, err)
	case actions.PreloadImagesResult:
		return fleetFirst(r.Outcomes, func(o actions.AgentOutcome) *domain.Problem { return o.Problem }, err)
	case actions.UnloadImagesResult:
		return fleetFirst(r.Outcomes, func(o actions.AgentOutcome) *domain.Problem { return o.Problem }, err)
	case actions.RemoveRemoteImageResult:
		return fleetFirst(r.Outcomes, func(o actions.RemovedRemote) *domain.Problem { return o.Problem }, err)
	}
	return err
}

func TestWhatIsMalformedIsInvalidAndNamedInEveryAction(t *testing.T) {
	t.Parallel()
	tried := map[string]int{}
	f := newFleet(t, withMover(&mover{}))
	img := f.image("app:1")[0]
	f.node("a", "x86_64")
	before := fleetJSON(t, f.rows())
	for _, e := range service.Catalogue() {
		type field struct {
			path, kind string
			mayBeEmpty bool
		}
		var fields []field
		fleetFields(fleetValid(f, e, img).Elem(), "", func(path string, sf reflect.StructField, v reflect.Value) {
			kind := fleetKind(sf)
			if e.Spec.Name == "registry.create" && sf.Name == "Name" {
				kind = "host"
			}
			optional := v.Kind() == reflect.Pointer || strings.HasPrefix(v.Type().Name(), "Patch[") || sf.Name == "Project"
			if bad := fleetMalformed(kind); bad != nil && !optional {
				fields = append(fields, field{path, kind, kind == "agent" && strings.Contains(sf.Tag.Get("json"), "omitempty")})
			}
		})
		for _, fd := range fields {
			for _, bad := range fleetMalformed(fd.kind) {
				if fd.mayBeEmpty && bad == "" {
					continue
				}
				a := fleetValid(f, e, img)
				fleetFields(a.Elem(), "", func(path string, _ reflect.StructField, v reflect.Value) {
					if path == fd.path {
						fleetSet(v, bad)
					}
				})
				if reflect.ValueOf(bad).IsZero() && reflect.DeepEqual(a.Interface(), reflect.New(e.Action).Interface()) {
					continue
				}
				what := fmt.Sprintf("%s%s = %.60q", e.Spec.Name, fd.path, fmt.Sprint(bad))
				res, err := e.Invoke(f.root, f.ImageService, a.Interface().(actions.Action))
				err = fleetProblem(res, err)
				if domain.CodeOf(err) != domain.CodeInvalid || domain.OnOf(err) == "" || domain.MessageOf(err) == "" {
					t.Errorf("%s: on %q: %v", what, domain.OnOf(err), err)
				}
				tried[fd.kind]++
			}
		}
	}
	require.Equal(t, before, fleetJSON(t, f.rows()))
	for _, kind := range []string{"image", "id", "ids", "agent", "agents", "architecture", "name", "host", "limit", "slot", "cursor", "sort", "page", "status", "filter"} {
		require.Positive(t, tried[kind], kind)
	}
	t.Logf("%v", tried)
}

func TestWhatIsEmptyIsNamedAsWell(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	for name, err := range map[string]error{
		"a reference": fleetErr(f.GetImage(f.root, actions.GetImageAction{Reference: " "})),
		"a slot":      fleetErr(f.SetImageResourceLimitByID(f.root, actions.SetImageResourceLimitByIDAction{ImageID: img.ID, Min: "1"})),
		"a tag":       fleetErr(f.modify(img.Canonical(), actions.ImageModifier{Tag: domain.Set("")})),
		"a path":      fleetErr(f.modify(img.Canonical(), actions.ImageModifier{Image: domain.Set("")})),
		"a host":      fleetErr(f.modify(img.Canonical(), actions.ImageModifier{Registry: domain.Set("")})),
	} {
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), name)
		require.NotEmpty(t, domain.OnOf(err), name)
	}
}

func TestAnOperatorsLabelThatCannotMeanAnythingIsRefused(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	for name, labels := range map[string]map[string]string{
		"a minimum that is no quantity": {"ai.backend.resource.min.cpu": "many"},
		"a role that is none":           {domain.LabelRole: "GAME"},
		"a port that is none":           {domain.LabelServicePorts: "ssh:tcp:22"},
		"what no database holds":        {"a\x00b": "c"},
		"invalid UTF-8":                 {"a": "\xff"},
	} {
		_, err := f.modify(img.Canonical(), actions.ImageModifier{Labels: domain.Set(labels)})
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), name)
		require.Equal(t, "label_invalid", domain.ReasonOf(err), name)
		require.NotEmpty(t, domain.OnOf(err), name)
	}
	require.Equal(t, img, f.stored(img.ID).Image)
}
