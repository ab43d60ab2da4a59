package actions

import "github.com/wharf-project/wharf/domain"

// AliasImageAction gives an image a short name. An alias means one image, of
// one architecture.
type AliasImageAction struct {
	Alias          string `json:"alias" doc:"1-256 characters without white space"`
	ImageCanonical string `json:"image_canonical" kind:"image" doc:"canonical name, short name, digest, another alias or id"`
	Architecture   string `json:"architecture,omitempty" doc:"needed where the reference has several"`
}

// AliasImageResult is the alias as stored.
type AliasImageResult struct {
	ImageID domain.ImageID `json:"image_id"`
	Alias   domain.Alias   `json:"image_alias"`
}

// Spec of alias.create.
func (AliasImageAction) Spec() Spec {
	return Spec{Name: "alias.create", Summary: "Give an image a short name", Effect: Write}
}

// Validate needs an alias and a reference.
func (a AliasImageAction) Validate() error {
	_, err := domain.ParseAlias(a.Alias)
	return firstError(err, needImage("image_canonical", a.ImageCanonical, a.Architecture))
}

// AliasImageByIDAction is AliasImageAction by id.
type AliasImageByIDAction struct {
	ImageID domain.ImageID `json:"image_id" doc:"id of the image"`
	Alias   string         `json:"alias" doc:"1-256 characters without white space"`
}

// Spec of alias.create_by_id.
func (AliasImageByIDAction) Spec() Spec {
	return Spec{Name: "alias.create_by_id", Permission: "alias.create", Summary: "Give an image a short name, by id", Effect: Write}
}

// Validate needs an alias and an id.
func (a AliasImageByIDAction) Validate() error {
	_, err := domain.ParseAlias(a.Alias)
	return firstError(err, needID("image_id", a.ImageID))
}

// DealiasImageAction removes an alias.
type DealiasImageAction struct {
	Alias  string `json:"alias" kind:"alias" doc:"the alias to remove"`
	DryRun bool   `json:"dry_run,omitempty" doc:"only tell what it names"`
}

// DealiasImageResult is the alias that was removed.
type DealiasImageResult struct {
	ImageID domain.ImageID `json:"image_id"`
	Alias   domain.Alias   `json:"image_alias"`
	DryRun  bool           `json:"dry_run,omitempty"`
}

// Spec of alias.delete.
func (DealiasImageAction) Spec() Spec {
	return Spec{Name: "alias.delete", Summary: "Remove an alias", Effect: Write}
}

// Validate needs an alias.
func (a DealiasImageAction) Validate() error { return need("alias", a.Alias) }

// SearchAliasesAction lists aliases, page by page.
type SearchAliasesAction struct {
	Where domain.Filter `json:"where,omitzero" doc:"a filter over alias, image_id, canonical, created_at"`
	domain.Page
}

// SearchAliasesResult is one page.
type SearchAliasesResult struct {
	Aliases []domain.AliasDetail `json:"aliases"`
	domain.PageInfo
}

// Spec of alias.search.
func (SearchAliasesAction) Spec() Spec {
	return Spec{Name: "alias.search", Summary: "List and filter aliases", Effect: Read}
}

// Validate checks filter, order and cursor.
func (a SearchAliasesAction) Validate() error {
	return needList(a.Where, a.Page, domain.AliasFields, "alias")
}
