package cli

import (
	"strings"

	"github.com/wharf-project/wharf/service"
)

// exampleOf is the examples of a command: the ones of the table, else its
// arguments.
func exampleOf(e service.Entry, args []field) string {
	noun, verb, _ := strings.Cut(e.Spec.Name, ".")
	path := strings.ReplaceAll("wharf "+noun+" "+verb, "_", "-")
	lines := examples(e.Spec.Name)
	if lines == nil {
		lines = []string{""}
		for _, name := range metavars(args) {
			lines[0] += " " + name
		}
	}
	for i, l := range lines {
		lines[i] = strings.TrimRight("  "+path+l, " ")
	}
	return strings.Join(lines, "\n")
}

// longHelp is the help of a command that a line cannot tell; "" for others.
func longHelp(action string) string {
	if action == "task.watch" {
		return watchHelp
	}
	return ""
}

// examples shows what follows the words of a command.
func examples(action string) []string {
	const id = "0199f3a2-6b1c-7d4e-8f00-112233445566"
	return map[string][]string{
		"image.get":               {" python:3.11", " py --json", " cr.example.org/lab/python:3.11 --architecture aarch64 --statuses alive,missing"},
		"image.list":              {"", " --where 'name~python and size_bytes>2g' --sort size_bytes --desc", " --statuses forgotten,missing --all --json", " --is-installed=false --where 'last_used_at<90d'"},
		"image.forget":            {" python:3.9", " python:3.9 --architecture aarch64 --dry-run"},
		"image.forget_many":       {" python:3.8 python:3.9 --architecture x86_64"},
		"image.forget_by_id":      {" " + id},
		"image.restore":           {" python:3.9"},
		"image.purge":             {" python:3.8 --dry-run", " python:3.8 --remove-from-registry --remove-from-agents --yes"},
		"image.purge_many":        {" python:3.7 python:3.8 --dry-run"},
		"image.modify":            {" python:3.11 --labels team=vision --resource-limits cpu=1:8,mem=2g", " python:3.11 --clear-resource-limits", " python:3.11 --supported-accelerators cuda,rocm"},
		"image.modify_by_id":      {" " + id + " --tag 3.11-lts"},
		"image.set_limit":         {" python:3.11 mem --min 1g --max 16g"},
		"image.set_limit_by_id":   {" " + id + " cpu --min 2"},
		"image.clear_limit":       {" python:3.11"},
		"image.clear_limit_by_id": {" " + id},
		"image.use":               {" python:3.11", " python:3.11 --at 2h"},
		"image.untag":             {" python:3.8 --dry-run", " python:3.8 --force --yes"},
		"image.scan":              {" cr.example.org/lab/python:3.12"},
		"image.clear":             {" cr.example.org --dry-run", " cr.example.org --project old --yes"},
		"image.installed_agents":  {" python:3.11", " python:3.11 pytorch:2 --architecture aarch64"},
		"reference.parse":         {" python:3.11", " '[::1]:5000/lab/python@sha256:…' --json", " image://lab/vision/app --kind platform --tag forbidden"},
		"alias.create":            {" py python:3.11", " py-arm python:3.11 --architecture aarch64"},
		"alias.create_by_id":      {" " + id + " py"},
		"alias.delete":            {" py --yes"},
		"alias.search":            {"", " --where 'alias^=py'"},
		"image.push":              {" app:1 cr.example.org/vision/app:1", " app:1 cr.example.org/vision/app:1 --store oci:./layout", " app:1 cr.example.org/vision/app:1 --agent-id rack-1 --background"},
		"image.pull":              {" cr.example.org/vision/app:1", " cr.example.org/vision/app:1 app:dev", " cr.example.org/vision/app:1 --store archive:app.tar --architecture arm64"},
		"image.save":              {" rack-1 4f1c2a9d cr.example.org/vision/app:mine", " rack-1 4f1c2a9d --label team=ml --background", " rack-1 4f1c2a9d --dry-run"},
		"remote.list":             {"", " cr.example.org", " cr.example.org/vision --name 'vision/app.*' --all --json"},
		"remote.tags":             {" cr.example.org/vision/app", " cr.example.org/vision/app --sizes --sort tag --desc --limit 10"},
		"remote.digest":           {" cr.example.org/vision/app:1"},
		"remote.tag_info":         {" cr.example.org/vision/app:1 --json"},
		"remote.size":             {" cr.example.org/vision/app:1 --architecture arm64"},
		"remote.remove":           {" cr.example.org/vision/app:1 --dry-run", " cr.example.org/vision/app:1 cr.example.org/vision/app:2 --yes", " cr.example.org/vision/app --force --yes"},
		"registry.rescan":         {"", " cr.example.org", " cr.example.org --project stable --json", " --background"},
		"registry.create":         {" cr.example.org --project stable", " cr.example.org --username puller --password-file /run/secrets/cr", " localhost:5000 --url http://localhost:5000 --private-network"},
		"registry.modify":         {" cr.example.org/stable --is-global=false", " cr.example.org --username puller --password-stdin", " cr.example.org --clear-username --clear-password"},
		"registry.delete":         {" cr.example.org --dry-run", " cr.example.org/old --yes"},
		"registry.list":           {"", " --where 'domain has lab'"},
		"registry.allow":          {" cr.example.org lab"},
		"registry.disallow":       {" cr.example.org lab"},
		"registry.associate":      {" cr.example.org/private vision"},
		"registry.disassociate":   {" cr.example.org/private vision"},
		"agent.purge_images":      {" python:3.8 --target-agents node-1,node-2 --dry-run", " python:3.8 python:3.9 --target-agents '*,!label:keep' --force --yes"},
		"agent.preload_images":    {" python:3.11 --target-agents '*'", " python:3.11 pytorch:2 --target-agents 'scaling-group:gpu,!node-7' --dry-run", " python:3.11 --target-agents 'label:rack=7' --defer-until 12h --background"},
		"agent.unload_images":     {" python:3.8 --target-agents '*' --yes"},
		"agent.register":          {" node-1 --kind ocilayout --address /var/lib/images --scaling-group default", " node-2 --kind docker --address ssh://node-2 --scaling-group gpu --labels rack=7", " node-3 --kind fleet --address UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4 --scaling-group gpu"},
		"agent.modify":            {" node-1 --status offline", " node-1 --scaling-group gpu"},
		"agent.remove":            {" node-1 --dry-run"},
		"agent.intents":           {"", " --where 'agent=node-1'"},
		"agent.drop_intents":      {" node-1 --dry-run"},
		"agent.list":              {"", " --where 'scaling_group=gpu and image has cr.example.org/lab/python:3.11'"},
		"agent.report":            {" node-1", " node-1 --inventory inventory.json"},
		"task.list":               {"", " --where 'state in (queued, running)'", " --where 'kind=agent.preload_images and created_at>1d' --sort created_at --desc"},
		"task.get":                {" " + id, " " + id + " --where 'state=failed' --all"},
		"task.cancel":             {" " + id},
		"task.retry":              {" " + id},
		"task.watch":              {" " + id, " " + id + " --quiet", " " + id + " --json", " " + id + " --after-event 12 --wait-ms 20000 --json"},
		"scaling_group.allow":     {" gpu lab", " gpu lab --project vision"},
		"scaling_group.disallow":  {" gpu lab"},
		"scaling_group.list":      {"", " --where 'domain=lab'"},
		"audit.search":            {"", " --where 'at>1d and status in (failed, denied)' --desc", " --where 'action=image.forget and actor=ada' --all --json"},
		"access.simulate":         {" --action-json change.json"},
		"access.explain":          {" image.forget", " image.forget --actor ada:user:lab"},
		"access.who_can":          {" image.forget", " image.forget --domain lab --project vision"},
		"role.create":             {" reader --inherits user", " scanner --action-json rules.json"},
		"role.modify":             {" reader --inherits user,monitor --revision 3"},
		"role.delete":             {" scanner --dry-run", " scanner --force --yes"},
		"role.get":                {" admin"},
		"role.list":               {"", " --where 'domain=lab'"},
		"role.bind":               {" ada scanner", " ada admin --domain lab"},
		"role.unbind":             {" ada admin --domain lab"},
		"role.bindings":           {"", " --where 'user=ada'", " --where 'role=scanner and domain=lab'"},
		"key.create":              {" ci --scopes image.list,image.get --expires-at 30d", " bot --user bot --role user --domain lab --scopes image.list"},
		"key.list":                {"", " --where 'user=ada' --sort last_used_at"},
		"key.revoke":              {" " + id},
		"build_task.create":       {" mnist"},
		"build_task.get":          {" --id 1"},
		"build_task.delete":       {" --id 1 --dry-run"},
		"model.get":               {" --id 1"},
		"model.delete":            {" --id 1 --dry-run"},
		"pipeline.get":            {" --id 2"},
		"pipeline.delete":         {" --id 2 --dry-run"},
		"build.get":               {" --id 1"},
		"build_task.list":         {"", " --where 'author=ada'"},
		"model.create":            {" net --task-id 1 --type directory --path mnist", " net --task-id 1 --action-json source.json"},
		"model.list":              {"", " --task-id 1"},
		"pipeline.create":         {" nightly --task-id 1 --type tarball --path nightly.tar.gz"},
		"build.image":             {" image_name --model-id 1", " image_name --model-id 1 --store oci:./layout", " image_name --pipeline-id 2 --tag 2.0 --overwrite", " image_name --model-id 1 --push --remote cr.example.org/lab/net:1 --background"},
		"build.list":              {"", " --task-id 1 --where 'state=built'"},
		"build.rename":            {" 'first image' --id 1"},
		"build.delete":            {" --id 1 --dry-run", " --id 1 --cascade --yes", " --id 1 --meta-only --yes"},
	}[action]
}
