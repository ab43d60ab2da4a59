package rest

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// describeImages tells of the resource /images.
func (s *server) describeImages() []*huma.Operation {
	schema := func(v any) *huma.Schema {
		return huma.SchemaFromType(s.api.OpenAPI().Components.Schemas, reflect.TypeOf(v))
	}
	content := func(sc *huma.Schema) map[string]*huma.MediaType {
		return map[string]*huma.MediaType{"application/json": {Schema: sc}}
	}
	whole, flag := &huma.Schema{Type: huma.TypeInteger}, &huma.Schema{Type: huma.TypeInteger, Enum: []any{0, 1}}
	image, failure := schema(imageBody{}), schema(imageFailure{})
	describe := func(method, path, id, summary, permission string, params ...*huma.Param) *huma.Operation {
		if path != imagesPath {
			params = append([]*huma.Param{{Name: "id", In: "path", Required: true, Schema: whole, Description: "id of the built image"}}, params...)
		}
		return &huma.Operation{
			Method: method, Path: path, OperationID: id, Tags: []string{"images"}, Summary: summary, Parameters: params,
			Description: "Needs the permission " + permission + ". 400 for a taken name and for an image in use, 422 for what has the wrong form.",
			Responses:   map[string]*huma.Response{"default": {Description: "an error", Content: content(failure)}},
		}
	}
	one := imagesPath + "/{id}"
	query := func(name, doc string, sc *huma.Schema) *huma.Param {
		return &huma.Param{Name: name, In: "query", Schema: sc, Description: doc, Required: sc == whole}
	}

	list := describe(http.MethodGet, imagesPath, "ListImagesOfTask", "Get all built images of a task", "build.list", query("task_id", "id of the build task", whole))
	list.Responses["200"] = &huma.Response{Description: "the images", Content: content(&huma.Schema{Type: huma.TypeArray, Items: image})}
	get := describe(http.MethodGet, one, "GetImageOfTask", "Get a built image", "build.get")
	get.Responses["200"] = &huma.Response{Description: "the image", Content: content(image)}
	build := describe(http.MethodPost, imagesPath, "BuildImageOfTask", "Build an image from a model or a pipeline", "build.image",
		query("skip_build", "make the row only", flag), parameterRef("IdempotencyKey"), parameterRef("Prefer"))
	build.RequestBody = &huma.RequestBody{Required: true, Content: content(schema(buildBody{}))}
	build.Responses["201"] = &huma.Response{Description: "the image, built", Content: content(image)}
	build.Responses["202"] = &huma.Response{Description: "a task builds it", Headers: headerRefs("Location", "Preference-Applied"), Content: content(schema(taskBody{}))}
	rename := describe(http.MethodPatch, one, "RenameImageOfTask", "Give a built image another name", "build.rename", parameterRef("IdempotencyKey"))
	rename.RequestBody = &huma.RequestBody{Required: true, Content: content(schema(renameBody{}))}
	rename.Responses["204"] = &huma.Response{Description: "it has the name"}
	remove := describe(http.MethodDelete, one, "DeleteImageOfTask", "Remove a built image", "build.delete",
		query("cascade", "stop and remove its containers first", flag), query("meta_only", "remove the row only, whatever runs", flag), parameterRef("IdempotencyKey"))
	remove.Responses["204"] = &huma.Response{Description: "it is gone"}
	return []*huma.Operation{list, get, build, rename, remove}
}
