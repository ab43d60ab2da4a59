package service_test

import (
	"slices"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// fleetWrites is every write of the catalogue, each with more than a validation.
func fleetWrites() []fleetWrite {
	return slices.Concat(fleetCatalogWrites(), fleetStepWrites(), fleetRegistryWrites(), fleetAgentWrites(), fleetAccessWrites())
}

// fleetCatalogWrites happen in one transaction.
func fleetCatalogWrites() []fleetWrite {
	return []fleetWrite{
		{name: "forget", action: "image.forget", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.ForgetImage(w.root, actions.ForgetImageAction{Reference: "app"}))
		}},
		{name: "forget by id", action: "image.forget_by_id", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.ForgetImageByID(w.root, actions.ForgetImageByIDAction{ImageID: w.images[0].ID}))
		}},
		{name: "restore", action: "image.restore", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.RestoreImage(w.root, actions.RestoreImageAction{Reference: w.images[2].Canonical()}))
		}},
		{name: "modify", action: "image.modify", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.ModifyImage(w.root, actions.ModifyImageAction{Target: "app", Modifier: actions.ImageModifier{
				Registry: domain.Set("empty.example.org"), Tag: domain.Set("renamed"), Labels: domain.Set(map[string]string{"a": "b", domain.LabelRole: "SYSTEM"}),
				ResourceLimits: domain.Set(domain.Limits{"cpu": {Min: "4"}}), Accelerators: domain.Set([]string{"cuda"}),
			}}))
		}},
		{name: "set a limit", action: "image.set_limit", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.SetImageResourceLimit(w.root, actions.SetImageResourceLimitAction{Reference: "app", Slot: "cpu", Min: "4"}))
		}},
		{name: "clear the limits", action: "image.clear_limit", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.ClearImageCustomResourceLimit(w.root, actions.ClearImageCustomResourceLimitAction{ImageCanonical: "app"}))
		}},
		{name: "use", action: "image.use", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.RecordImageUse(w.root, actions.RecordImageUseAction{Reference: "app"}))
		}},
		{name: "alias", action: "alias.create", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.AliasImage(w.root, actions.AliasImageAction{Alias: "other", ImageCanonical: "app"}))
		}},
		{name: "remove an alias", action: "alias.delete", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.DealiasImage(w.root, actions.DealiasImageAction{Alias: "app"}))
		}},
		{name: "clear a registry", action: "image.clear", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.ClearImages(w.root, actions.ClearImagesAction{Registry: fleetHost}))
		}},
		{name: "purge the row", action: "image.purge", mayLose: []string{"audit.record"}, doneAlready: []string{"image_not_found"}, do: func(w *fleetWorld) error {
			return fleetErr(w.svc.PurgeImageByID(w.root, actions.PurgeImageByIDAction{ImageID: w.images[0].ID}))
		}},
		{name: "scan", action: "image.scan", mayLose: []string{"audit.record"}, do: func(w *fleetWorld) error {
			w.change()
			return fleetErr(w.svc.ScanImage(w.root, actions.ScanImageAction{Reference: fleetHost + "/multi:1"}))
		}},
	}
}

// fleetStepWrites also work on registries and nodes.
func fleetStepWrites() []fleetWrite {
	late := []string{"audit.record", "begin", "commit", "agents.drop", "agents.hold", "agents.drop_intents"}
	everywhere := actions.PurgeImageByIDAction{RemoveFromRegistry: true, RemoveFromAgents: true}
	return []fleetWrite{
		{name: "forget many", action: "image.forget_many", steps: true, bulk: true, do: func(w *fleetWorld) error {
			res, err := w.svc.ForgetImages(w.root, actions.ForgetImagesAction{ImageIDs: w.ids(2)})
			return fleetFirst(res.Outcomes, func(o actions.ImageOutcome) *domain.Problem { return o.Problem }, err)
		}},
		{name: "purge many", action: "image.purge_many", steps: true, bulk: true, mayLose: []string{"audit.record"}, doneAlready: []string{"image_not_found"}, do: func(w *fleetWorld) error {
			res, err := w.svc.PurgeImagesByID(w.root, actions.PurgeImagesByIDAction{ImageIDs: w.ids(2), RemoveFromRegistry: true, RemoveFromAgents: true})
			return fleetFirst(res.Outcomes, func(o actions.PurgeOutcome) *domain.Problem { return o.Problem }, err)
		}},
		{name: "purge everywhere", action: "image.purge", steps: true, mayLose: []string{"audit.record"}, doneAlready: []string{"image_not_found"}, do: func(w *fleetWorld) error {
			a := everywhere
			a.ImageID = w.images[0].ID
			return fleetErr(w.svc.PurgeImageByID(w.root, a))
		}},
		{name: "untag", action: "image.untag", steps: true, mayLose: []string{"audit.record"}, doneAlready: []string{"image_missing"}, do: func(w *fleetWorld) error {
			return fleetErr(w.svc.UntagImageFromRegistry(w.root, actions.UntagImageFromRegistryAction{ImageID: w.multi[0].ID, Force: true}))
		}},
		{name: "rescan", action: "registry.rescan", steps: true, bulk: true, mayLose: []string{"audit.record"}, do: func(w *fleetWorld) error {
			w.change()
			res, err := w.svc.RescanImages(w.root, actions.RescanImagesAction{})
			if err == nil {
				fleetAddsUp(w.tb, res.Registries...)
			}
			for _, r := range res.Registries {
				if err := fleetFirst(r.Errors, func(e actions.ScanError) *domain.Problem { return &e.Problem }, nil); err != nil {
					return err
				}
			}
			return err
		}},
		{name: "purge on nodes", action: "agent.purge_images", steps: true, mayLose: late, do: func(w *fleetWorld) error {
			names := fleetNames(w.images[:2])
			res, err := w.svc.PurgeImages(w.root, actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{fleetKey("a", names...), fleetKey("b", names...)}})
			if err == nil && len(res.Errors) > 0 && res.Errors[0].Problem.Reason != "image_not_found" {
				return res.Errors[0]
			}
			return fleetReported(w, err)
		}},
		{name: "unload", action: "agent.unload_images", steps: true, mayLose: late, do: func(w *fleetWorld) error {
			res, err := w.svc.UnloadImages(w.root, actions.UnloadImagesAction{Images: fleetKey("", fleetNames(w.images[:2])...).Images, TargetAgents: "*"})
			return fleetFirst(res.Outcomes, func(o actions.AgentOutcome) *domain.Problem { return o.Problem }, err)
		}},
		{name: "preload", action: "agent.preload_images", steps: true, mayLose: late, do: func(w *fleetWorld) error {
			res, err := w.svc.PreloadImages(w.root, actions.PreloadImagesAction{Images: fleetKey("", w.images[0].Canonical(), w.images[3].Canonical()).Images, TargetAgents: "a,b"})
			return fleetFirst(res.Outcomes, func(o actions.AgentOutcome) *domain.Problem { return o.Problem }, err)
		}},
	}
}

// fleetReported is what the next inventory does for notes that were lost.
func fleetReported(w *fleetWorld, err error) error {
	for _, id := range []domain.AgentID{"a", "b"} {
		if rerr := fleetErr(w.ReportInventory(w.root, actions.ReportInventoryAction{AgentID: id})); rerr != nil {
			return rerr
		}
	}
	return err
}

func fleetRegistryWrites() []fleetWrite {
	return []fleetWrite{
		{name: "create a registry", action: "registry.create", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.CreateRegistry(w.root, actions.CreateRegistryAction{Name: "new.example.org"}))
		}},
		{name: "modify a registry", action: "registry.modify", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.ModifyRegistry(w.root, actions.ModifyRegistryAction{RegistryID: w.reg.ID, IsGlobal: domain.Set(false), URL: domain.Set("http://x")}))
		}},
		{name: "delete a registry", action: "registry.delete", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.DeleteRegistry(w.root, actions.DeleteRegistryAction{RegistryID: w.registry}))
		}},
		{name: "allow a registry", action: "registry.allow", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.AllowRegistry(w.root, actions.AllowRegistryAction{RegistryID: w.reg.ID, Domain: "d"}))
		}},
		{name: "associate a registry", action: "registry.associate", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.AssociateRegistry(w.root, actions.AssociateRegistryAction{RegistryID: w.reg.ID, Project: "p"}))
		}},
		{name: "disallow a registry", action: "registry.disallow", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.DisallowRegistry(w.root, actions.DisallowRegistryAction{RegistryID: w.reg.ID, Domain: "d"}))
		}},
		{name: "disassociate a registry", action: "registry.disassociate", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.DisassociateRegistry(w.root, actions.DisassociateRegistryAction{RegistryID: w.reg.ID, Project: "p"}))
		}},
	}
}

func fleetAgentWrites() []fleetWrite {
	grant := domain.ScalingGroupGrant{ScalingGroup: "g", Domain: "d"}
	return []fleetWrite{
		{name: "register an agent", action: "agent.register", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.RegisterAgent(w.root, actions.RegisterAgentAction{AgentID: "c", Kind: domain.AgentOCILayout, Address: "/x", ScalingGroup: "g"}))
		}},
		{name: "modify an agent", action: "agent.modify", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.ModifyAgent(w.root, actions.ModifyAgentAction{AgentID: "a", ScalingGroup: domain.Set("g")}))
		}},
		{name: "remove an agent", action: "agent.remove", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.RemoveAgent(w.root, actions.RemoveAgentAction{AgentID: "a"}))
		}},
		{name: "report an inventory", action: "agent.report", mayLose: []string{"audit.record"}, do: func(w *fleetWorld) error {
			return fleetErr(w.svc.ReportInventory(w.root, actions.ReportInventoryAction{AgentID: "a", Inventory: &domain.Inventory{}}))
		}},
		{name: "allow a scaling group", action: "scaling_group.allow", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.AllowScalingGroup(w.root, actions.AllowScalingGroupAction{ScalingGroupGrant: grant}))
		}},
		{name: "disallow a scaling group", action: "scaling_group.disallow", do: func(w *fleetWorld) error {
			return fleetErr(w.svc.DisallowScalingGroup(w.root, actions.DisallowScalingGroupAction{ScalingGroupGrant: grant}))
		}},
	}
}
