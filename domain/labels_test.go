package domain_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wharf-project/wharf/domain"
)

func TestImageTypesParseInAnyCase(t *testing.T) {
	for text, want := range map[string]domain.ImageType{
		"compute": domain.ImageTypeCompute, "SYSTEM": domain.ImageTypeSystem, "Service": domain.ImageTypeService,
	} {
		got, err := domain.ParseImageType(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"", "inference", " compute"} {
		_, err := domain.ParseImageType(text)
		requireInvalid(t, err, "image_type_invalid")
	}
}

func TestRoleOf(t *testing.T) {
	for role, want := range map[string]domain.ImageType{
		"INFERENCE": domain.ImageTypeService, "inference": domain.ImageTypeService, "SYSTEM": domain.ImageTypeSystem,
		"COMPUTE": domain.ImageTypeCompute, "": domain.ImageTypeCompute, "nonsense": domain.ImageTypeCompute,
	} {
		require.Equal(t, want, domain.RoleOf(map[string]string{domain.LabelRole: role}), role)
	}
	require.Equal(t, domain.ImageTypeCompute, domain.RoleOf(nil))
}

func TestFeaturesAreWholeWords(t *testing.T) {
	require.Equal(t, []string{"uid-match"}, domain.Features(nil))
	require.Empty(t, domain.Features(map[string]string{domain.LabelFeatures: " "}))
	require.Equal(t, []string{"batch", "query"}, domain.Features(map[string]string{domain.LabelFeatures: " batch  query batch"}))

	for features, want := range map[string][2]bool{ // operation, private
		"":                          {false, false},
		"operation":                 {true, false},
		"batch operation private":   {true, true},
		"operational non-private":   {false, false},
		"uid-match\tprivate\nbatch": {false, true},
	} {
		labels := map[string]string{domain.LabelFeatures: features}
		require.Equal(t, want, [2]bool{domain.IsOperation(labels), domain.IsPrivate(labels)}, features)
	}
}

func TestOwnerOf(t *testing.T) {
	for label, want := range map[string]string{
		"user:7f1d":            "7f1d",
		"user:a:b":             "a:b",
		"user:":                "",
		"user: 7f1d":           "",
		"user:7f1d\n":          "",
		"user:7f1d x":          "",
		"User:7f1d":            "",
		"project:7f1d":         "",
		"7f1d":                 "",
		"":                     "",
		"user:\xff":            "",
		strings.Repeat(":", 9): "",
	} {
		labels := map[string]string{domain.LabelCustomizedOwner: label}
		require.Equal(t, want, domain.OwnerOf(labels), label)
		require.True(t, domain.IsCustomized(labels), "a customized image stays one when its label is malformed")
	}
	require.Empty(t, domain.OwnerOf(nil))
	require.False(t, domain.IsCustomized(nil))
}

func TestAccelerators(t *testing.T) {
	with := func(pairs ...string) map[string]string {
		labels := map[string]string{domain.LabelKernelSpec: "1"}
		for i := 0; i < len(pairs); i += 2 {
			labels["ai.backend."+pairs[i]] = pairs[i+1]
		}
		return labels
	}
	for name, c := range map[string]struct {
		labels map[string]string
		want   []string
	}{
		"no kernelspec means any, whatever else there is": {map[string]string{domain.LabelAccelerators: "cuda"}, nil},
		"none declared means any":                         {with(), nil},
		"the label is sorted and each name comes once":    {with("accelerators", "rocm, cuda,cuda,"), []string{"cuda", "rocm"}},
		"a slot names its device":                         {with("resource.min.cuda.device", "0", "resource.min.cuda.shares", "0"), []string{"cuda"}},
		"a maximum names its device too":                  {with("resource.max.rocm.device", "1"), []string{"rocm"}},
		"label and slots are united":                      {with("accelerators", "cuda", "resource.min.tpu.device", "1"), []string{"cuda", "tpu"}},
		"a slot without a second part is a device":        {with("resource.min.gpu", "1"), []string{"gpu"}},
		"a slot may have a profile":                       {with("resource.min.cuda:mig", "1"), []string{"cuda"}},
		"cpu and mem are none":                            {with("resource.min.cpu", "1", "resource.max.mem", "1g", "resource.min.memory", "1g"), nil},
		"malformed names and keys are left out":           {with("accelerators", "cu da,-x,\x00", "resource.min.", "1", "resource.max.", "", "resource.min..x", "1"), nil},
		"other resource labels do not matter":             {with("resource.preferred.shmem", "64"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, domain.Accelerators(c.labels))
		})
	}
}

func TestParseServicePortsReads(t *testing.T) {
	for text, want := range map[string][]domain.ServicePort{
		"":                       nil,
		"  ":                     nil,
		"ipython:pty:3000":       nil,
		"jupyter:http:8080":      {{Name: "jupyter", Protocol: domain.ServiceHTTP, Ports: []int{8080}}},
		"a:tcp:1025,b:vnc:65534": {{Name: "a", Protocol: domain.ServiceTCP, Ports: []int{1025}}, {Name: "b", Protocol: domain.ServiceVNC, Ports: []int{65534}}},
		"triton-server:preopen:[8000, 8001,8002] , x_1:rdp:3389": {
			{Name: "triton-server", Protocol: domain.ServicePreopen, Ports: []int{8000, 8001, 8002}},
			{Name: "x_1", Protocol: domain.ServiceRDP, Ports: []int{3389}},
		},
		// A pty service is passed over before its port is looked at.
		"a:pty:22,b:http:3000,c:pty:3000": {{Name: "b", Protocol: domain.ServiceHTTP, Ports: []int{3000}}},
	} {
		got, err := domain.ParseServicePorts(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestParseServicePortsRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"a privileged port":            "sftpd:preopen:22",
		"port 1024":                    "a:tcp:1024",
		"port 65535":                   "a:tcp:65535",
		"a port beyond 16 bits":        "a:tcp:99999",
		"a reserved port":              "a:tcp:2001",
		"a reserved port in a list":    "a:tcp:[3000,7681]",
		"port 2200":                    "a:tcp:2200",
		"a port twice":                 "a:tcp:3000,b:http:3000",
		"a port twice in a list":       "a:tcp:[3000,3000]",
		"an unknown protocol":          "a:udp:3000",
		"a protocol in uppercase":      "a:HTTP:3000",
		"no port":                      "a:http",
		"an empty port":                "a:http:",
		"an empty list":                "a:http:[]",
		"a list without an end":        "a:http:[3000,3001",
		"an end without a list":        "a:http:3000]",
		"an empty item":                "a:http:3000,",
		"a name with a space":          "a b:http:3000",
		"an empty name":                ":http:3000",
		"a negative port":              "a:http:-1",
		"text":                         "nonsense",
		"a malformed pty service, too": "a:pty:x",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := domain.ParseServicePorts(text)
			requireInvalid(t, err, "label_invalid")
			require.Equal(t, domain.LabelServicePorts, domain.OnOf(err))
			require.Nil(t, got)
		})
	}
}

func TestCheckLabels(t *testing.T) {
	inference := map[string]string{
		"role": "INFERENCE", "endpoint-ports": "triton", "model-path": "/models", "model-format": "onnx",
		"service-ports": "triton:preopen:[8000,8001],web:http:8080",
	}
	but := func(label, value string) map[string]string {
		labels := maps.Clone(inference)
		labels[label] = value
		return labels
	}
	for name, c := range map[string]struct {
		labels map[string]string // without ai.backend.
		want   []string
	}{
		"no labels are fine":                       {nil, nil},
		"labels of a usual image are fine":         {map[string]string{"kernelspec": "1", "features": "batch", "accelerators": "", "service-ports": "", "envs.corecount": "", "resource.min.mem": "64m", "unheard.of": "x"}, nil},
		"an inference image is fine":               {inference, nil},
		"another kernelspec is not":                {map[string]string{"kernelspec": "2"}, []string{"kernelspec"}},
		"a blank kernelspec is not":                {map[string]string{"kernelspec": ""}, []string{"kernelspec"}},
		"an unknown role is not":                   {map[string]string{"role": "BOSS"}, []string{"role"}},
		"a malformed accelerator is not":           {map[string]string{"accelerators": "cuda,!"}, []string{"accelerators"}},
		"a malformed owner is not":                 {map[string]string{"customized-image.owner": "me"}, []string{"customized-image.owner"}},
		"malformed resources are not":              {map[string]string{"resource.min.x": "", "resource.max.mem": "inf", "resource.max.": "1"}, []string{"resource.min.x", "resource.max.", "resource.max.mem"}},
		"malformed service ports are not":          {map[string]string{"service-ports": "sftpd:preopen:22"}, []string{"service-ports"}},
		"NUL is not":                               {map[string]string{"base-distro": "a\x00"}, []string{"base-distro"}},
		"invalid UTF-8 is not":                     {map[string]string{"base-distro": "\xff"}, []string{"base-distro"}},
		"inference without its labels is not":      {map[string]string{"role": "inference"}, []string{"model-path", "model-format", "endpoint-ports"}},
		"an endpoint must be declared":             {but("endpoint-ports", "triton,other"), []string{"endpoint-ports"}},
		"an endpoint must be preopen":              {but("endpoint-ports", "web"), []string{"endpoint-ports"}},
		"unreadable ports are reported once":       {but("service-ports", "x"), []string{"service-ports"}},
		"every problem is reported":                {map[string]string{"kernelspec": "0", "role": "x", "service-ports": "x", "resource.min.cpu": "x"}, []string{"kernelspec", "role", "service-ports", "resource.min.cpu"}},
		"what only inference needs may be missing": {map[string]string{"role": "COMPUTE", "endpoint-ports": "x"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			labels := map[string]string{}
			for k, v := range c.labels {
				labels["ai.backend."+k] = v
			}
			var got []string
			for _, err := range domain.CheckLabels(labels) {
				requireInvalid(t, err, "label_invalid")
				got = append(got, strings.TrimPrefix(domain.OnOf(err), "ai.backend."))
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestHumanizedName(t *testing.T) {
	title := func(s string) map[string]string { return map[string]string{domain.LabelTitle: s} }
	both := map[string]string{domain.LabelTitle: "PyTorch (NGC)", domain.LabelCustomizedName: "mine"}
	for name, c := range map[string]struct {
		repository, tag string
		labels          map[string]string
		want            string
	}{
		"the last component of the name":     {"stable/ngc/pytorch", "23.09-py3", nil, "pytorch 23.09-py3"},
		"latest is not shown":                {"python", "latest", nil, "python"},
		"no tag is not shown":                {"python", "", nil, "python"},
		"the title label comes first":        {"ngc/pytorch", "23.09", both, "PyTorch (NGC) 23.09"},
		"then the customized name":           {"python", "1", map[string]string{domain.LabelTitle: " ", domain.LabelCustomizedName: " mine "}, "mine 1"},
		"other scripts are fine":             {"python", "latest", title("파이썬"), "파이썬"},
		"128 runes are fine":                 {"python", "latest", title(strings.Repeat("é", 128)), strings.Repeat("é", 128)},
		"129 runes are not":                  {"python", "latest", title(strings.Repeat("a", 129)), "python"},
		"a newline inside is not":            {"python", "latest", title("a\nb"), "python"},
		"an escape sequence is not":          {"python", "latest", title("\x1b[31mred"), "python"},
		"an invisible override is not":       {"python", "latest", title("a\u202eb"), "python"},
		"invalid UTF-8 is not":               {"python", "latest", title("a\xff"), "python"},
		"an empty name leaves the tag alone": {"", "1.0", nil, "1.0"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, domain.HumanizedName(c.repository, c.tag, c.labels))
		})
	}
}

func TestMoreLabelsNeverTakeAcceleratorsAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		labels := rapid.MapOf(rapid.StringMatching(`ai\.backend\.(resource\.(min|max)\.[a-z.:]{0,12}|kernelspec)`), rapid.String()).Draw(t, "labels")
		labels[domain.LabelKernelSpec] = "1"
		before := domain.Accelerators(labels)
		labels[domain.LabelAccelerators] = rapid.SampledFrom([]string{"cuda", "", "x,y", "!"}).Draw(t, "label")
		after := domain.Accelerators(labels)
		require.Subset(t, after, before)
		require.True(t, slices.IsSorted(after))
		require.Equal(t, after, slices.Compact(slices.Clone(after)))
	})
}

func TestLabelsThatSayWhoseAnImageIsAreReserved(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		domain.LabelCustomizedOwner, domain.LabelCustomizedName, domain.LabelCustomizedID, domain.LabelCustomizedUserEmail,
		domain.LabelOwnerUserID, domain.LabelOwnerProjectID, "ai.backend.customized-image.of-tomorrow",
	} {
		require.True(t, domain.IsReservedLabel(name), name)
	}
	for _, name := range []string{"", "team", domain.LabelRole, "ai.backend.customized-image", "ai.backend.owner-user-id.x"} {
		require.False(t, domain.IsReservedLabel(name), name)
	}
}
