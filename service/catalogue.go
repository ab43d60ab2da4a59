package service

import (
	"context"
	"fmt"
	"reflect"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// Entry is one action of the catalogue, for transports, the sweeps and the
// documentation.
type Entry struct {
	Spec   actions.Spec
	Method string       // of ImageService
	Action reflect.Type // the action's struct
	Result reflect.Type // the result's struct

	invoke func(context.Context, *ImageService, actions.Action) (any, error)
}

// New returns a pointer to a zero action, ready to be decoded into.
func (e Entry) New() actions.Action { return reflect.New(e.Action).Interface().(actions.Action) }

// Invoke runs the action: a pointer from New, or a value. An action of another
// type is internal.
func (e Entry) Invoke(ctx context.Context, s *ImageService, a actions.Action) (any, error) {
	return e.invoke(ctx, s, a)
}

//go:generate go run ../tests/docs

// Catalogue returns every action, in the order of the documentation. It is the
// one list: permissions, transports, help and sweeps come from it.
func Catalogue() []Entry {
	return []Entry{
		entry("GetImage", (*ImageService).GetImage),
		entry("ListImages", (*ImageService).ListImages),
		entry("ForgetImage", (*ImageService).ForgetImage),
		entry("ForgetImageByID", (*ImageService).ForgetImageByID),
		entry("ForgetImages", (*ImageService).ForgetImages),
		entry("RestoreImage", (*ImageService).RestoreImage),
		entry("PurgeImageByID", (*ImageService).PurgeImageByID),
		entry("PurgeImagesByID", (*ImageService).PurgeImagesByID),
		entry("ModifyImage", (*ImageService).ModifyImage),
		entry("ModifyImageByID", (*ImageService).ModifyImageByID),
		entry("SetImageResourceLimit", (*ImageService).SetImageResourceLimit),
		entry("SetImageResourceLimitByID", (*ImageService).SetImageResourceLimitByID),
		entry("ClearImageCustomResourceLimit", (*ImageService).ClearImageCustomResourceLimit),
		entry("ClearImageCustomResourceLimitByID", (*ImageService).ClearImageCustomResourceLimitByID),
		entry("RecordImageUse", (*ImageService).RecordImageUse),
		entry("UntagImageFromRegistry", (*ImageService).UntagImageFromRegistry),
		entry("ScanImage", (*ImageService).ScanImage),
		entry("ClearImages", (*ImageService).ClearImages),
		entry("GetImageInstalledAgents", (*ImageService).GetImageInstalledAgents),
		entry("AliasImage", (*ImageService).AliasImage),
		entry("AliasImageByID", (*ImageService).AliasImageByID),
		entry("DealiasImage", (*ImageService).DealiasImage),
		entry("SearchAliases", (*ImageService).SearchAliases),
		entry("ParseReference", (*ImageService).ParseReference),
		entry("RescanImages", (*ImageService).RescanImages),
		entry("CreateRegistry", (*ImageService).CreateRegistry),
		entry("ModifyRegistry", (*ImageService).ModifyRegistry),
		entry("DeleteRegistry", (*ImageService).DeleteRegistry),
		entry("ListRegistries", (*ImageService).ListRegistries),
		entry("GetRegistryCredential", (*ImageService).GetRegistryCredential),
		entry("AllowRegistry", (*ImageService).AllowRegistry),
		entry("DisallowRegistry", (*ImageService).DisallowRegistry),
		entry("AssociateRegistry", (*ImageService).AssociateRegistry),
		entry("DisassociateRegistry", (*ImageService).DisassociateRegistry),
		entry("PurgeImages", (*ImageService).PurgeImages),
		entry("PreloadImages", (*ImageService).PreloadImages),
		entry("UnloadImages", (*ImageService).UnloadImages),
		entry("RegisterAgent", (*ImageService).RegisterAgent),
		entry("ModifyAgent", (*ImageService).ModifyAgent),
		entry("RemoveAgent", (*ImageService).RemoveAgent),
		entry("ListAgents", (*ImageService).ListAgents),
		entry("ReportInventory", (*ImageService).ReportInventory),
		entry("ListIntents", (*ImageService).ListIntents),
		entry("DropIntents", (*ImageService).DropIntents),
		entry("AllowScalingGroup", (*ImageService).AllowScalingGroup),
		entry("DisallowScalingGroup", (*ImageService).DisallowScalingGroup),
		entry("ListScalingGroups", (*ImageService).ListScalingGroups),
		entry("GetTask", (*ImageService).GetTask),
		entry("ListTasks", (*ImageService).ListTasks),
		entry("CancelTask", (*ImageService).CancelTask),
		entry("RetryTask", (*ImageService).RetryTask),
		entry("WatchTask", (*ImageService).WatchTask),
		entry("SearchAudit", (*ImageService).SearchAudit),
		entry("Explain", (*ImageService).Explain),
		entry("WhoCan", (*ImageService).WhoCan),
		entry("SimulateAccess", (*ImageService).SimulateAccess),
		entry("CreateRole", (*ImageService).CreateRole),
		entry("ModifyRole", (*ImageService).ModifyRole),
		entry("DeleteRole", (*ImageService).DeleteRole),
		entry("GetRole", (*ImageService).GetRole),
		entry("ListRoles", (*ImageService).ListRoles),
		entry("BindRole", (*ImageService).BindRole),
		entry("UnbindRole", (*ImageService).UnbindRole),
		entry("ListRoleBindings", (*ImageService).ListRoleBindings),
		entry("ListRemoteImages", (*ImageService).ListRemoteImages),
		entry("ListImageTags", (*ImageService).ListImageTags),
		entry("GetImageDigest", (*ImageService).GetImageDigest),
		entry("GetTagInfo", (*ImageService).GetTagInfo),
		entry("GetImageSize", (*ImageService).GetImageSize),
		entry("RemoveRemoteImage", (*ImageService).RemoveRemoteImage),
		entry("PushImage", (*ImageService).PushImage),
		entry("PullImage", (*ImageService).PullImage),
		entry("SaveImage", (*ImageService).SaveImage),
		entry("CreateKey", (*ImageService).CreateKey),
		entry("ListKeys", (*ImageService).ListKeys),
		entry("RevokeKey", (*ImageService).RevokeKey),
		entry("CreateBuildTask", (*ImageService).CreateBuildTask),
		entry("GetBuildTask", (*ImageService).GetBuildTask),
		entry("ListBuildTasks", (*ImageService).ListBuildTasks),
		entry("DeleteBuildTask", (*ImageService).DeleteBuildTask),
		entry("CreateModel", (*ImageService).CreateModel),
		entry("GetModel", (*ImageService).GetModel),
		entry("ListModels", (*ImageService).ListModels),
		entry("DeleteModel", (*ImageService).DeleteModel),
		entry("CreatePipeline", (*ImageService).CreatePipeline),
		entry("GetPipeline", (*ImageService).GetPipeline),
		entry("ListPipelines", (*ImageService).ListPipelines),
		entry("DeletePipeline", (*ImageService).DeletePipeline),
		entry("BuildImage", (*ImageService).BuildImage),
		entry("GetBuiltImage", (*ImageService).GetBuiltImage),
		entry("ListBuiltImages", (*ImageService).ListBuiltImages),
		entry("RenameBuiltImage", (*ImageService).RenameBuiltImage),
		entry("DeleteBuiltImage", (*ImageService).DeleteBuiltImage),
	}
}

// Permissions returns every permission that an action of the catalogue asks
// for, each once, in the catalogue's order.
func Permissions() []string {
	var list []string
	seen := map[string]bool{}
	for _, e := range Catalogue() {
		if p := e.Spec.Requires(); !seen[p] {
			seen[p] = true
			list = append(list, p)
		}
	}
	return list
}

func entry[A actions.Action, R any](method string, call func(*ImageService, context.Context, A) (R, error)) Entry {
	var zero A
	return Entry{
		Spec: zero.Spec(), Method: method, Action: reflect.TypeFor[A](), Result: reflect.TypeFor[R](),
		invoke: func(ctx context.Context, s *ImageService, action actions.Action) (any, error) {
			if a, ok := action.(A); ok {
				return call(s, ctx, a)
			}
			if p, ok := any(action).(*A); ok && p != nil {
				return call(s, ctx, *p)
			}
			return nil, domain.Internal(zero.Spec().Name, fmt.Errorf("invoked with %T", action))
		},
	}
}
