package domain_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wharf-project/wharf/domain"
)

func minLabels(pairs ...string) map[string]string {
	labels := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		labels[domain.LabelResourceMinPrefix+pairs[i]] = pairs[i+1]
	}
	return labels
}

func TestLimitReadsBothJSONForms(t *testing.T) {
	for text, want := range map[string]domain.Limit{
		`"4"`:                         {Min: "4"},
		`4`:                           {Min: "4"},
		`0.5`:                         {Min: "0.5"},
		`"32G"`:                       {Min: "32G"},
		`{"min":"1","max":"4"}`:       {Min: "1", Max: "4"},
		` { "min" : 1 , "max" : 4 } `: {Min: "1", Max: "4"},
		`{"max":1073741824}`:          {Max: "1073741824"},
		`{"min":null,"max":"2"}`:      {Max: "2"},
		`{}`:                          {},
		`null`:                        {},
	} {
		var got domain.Limit
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{`true`, `[1]`, `{"min":true}`, `{"min":{}}`, `{"mim":"1"}`, `{"min":"1","maximum":"2"}`} {
		var got domain.Limits
		requireInvalid(t, json.Unmarshal([]byte(`{"cpu":`+text+`}`), &got), "limit_invalid")
	}
	requireInvalid(t, new(domain.Limit).UnmarshalJSON([]byte(`{`)), "limit_invalid")
	requireInvalid(t, new(domain.Limit).UnmarshalJSON(nil), "limit_invalid")
}

func TestNormalizeLimitsKeepsWhatTheUserWrote(t *testing.T) {
	var given domain.Limits
	require.NoError(t, json.Unmarshal([]byte(`{"cpu":"8","memory":" 32G ","gpu":{"max":2},"cuda.device:1g.5gb-mig":{"min":"0","max":"1"}}`), &given))
	before := fmt.Sprint(given)

	got, err := domain.NormalizeLimits(given)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(domain.Limits{
		"cpu": {Min: "8"}, "mem": {Min: "32G"}, "gpu": {Max: "2"}, "cuda.device:1g.5gb-mig": {Min: "0", Max: "1"},
	}, got))
	require.Equal(t, before, fmt.Sprint(given), "the argument was changed")

	for _, none := range []domain.Limits{nil, {}} {
		got, err = domain.NormalizeLimits(none)
		require.NoError(t, err)
		require.Equal(t, domain.Limits{}, got)
	}
}

func TestNormalizeLimitsRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		limits domain.Limits
		on     string
	}{
		"mem and memory together":             {domain.Limits{"mem": {Min: "1g"}, "memory": {Min: "1g"}}, "mem"},
		"neither min nor max":                 {domain.Limits{"cpu": {Min: " "}}, "cpu"},
		"a negative min":                      {domain.Limits{"cpu": {Min: "-1"}}, "cpu.min"},
		"a negative max":                      {domain.Limits{"mem": {Max: "-1g"}}, "mem.max"},
		"a min above the max":                 {domain.Limits{"cpu": {Min: "10", Max: "2"}}, "cpu"},
		"a mem min above the max":             {domain.Limits{"memory": {Min: "1g", Max: "512m"}}, "mem"},
		"a size in a slot of decimals":        {domain.Limits{"cpu": {Min: "1g"}}, "cpu.min"},
		"an exponent":                         {domain.Limits{"cpu": {Min: "1e3"}}, "cpu.min"},
		"a fraction":                          {domain.Limits{"cpu": {Min: "1/2"}}, "cpu.min"},
		"an infinite max":                     {domain.Limits{"cpu": {Max: "inf"}}, "cpu.max"},
		"an infinite mem max":                 {domain.Limits{"mem": {Max: "Infinity"}}, "mem.max"},
		"an empty slot name":                  {domain.Limits{"": {Min: "1"}}, "slot"},
		"a slot name in uppercase":            {domain.Limits{"CPU": {Min: "1"}}, "CPU"},
		"a slot name with a space":            {domain.Limits{"cuda device": {Min: "1"}}, "cuda device"},
		"a slot name that ends with a dot":    {domain.Limits{"cuda.": {Min: "1"}}, "cuda."},
		"a slot name that starts with digits": {domain.Limits{"1cpu": {Min: "1"}}, "1cpu"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := domain.NormalizeLimits(c.limits)
			requireInvalid(t, err, "limit_invalid")
			require.Equal(t, c.on, domain.OnOf(err))
			require.Nil(t, got)
		})
	}
}

func TestQuantitiesCompareAsNumbers(t *testing.T) {
	for _, c := range []struct {
		slot, a, b string
		want       int
	}{
		{"cpu", "10", "2", 1},
		{"cpu", "1", "1.0", 0},
		{"cpu", "0.1", "0.10000000000000000000000000001", -1},
		{"mem", "1g", "1024m", 0},
		{"memory", "512m", "1g", -1},
		{"mem", "1073741825", "1 GiB", 1},
		{"cuda.shares", "0.5", "0.25", 1},
	} {
		got, err := domain.CompareQuantity(c.slot, c.a, c.b)
		require.NoError(t, err)
		require.Equal(t, c.want, got, "%+v", c)
	}
	for _, c := range [][3]string{{"cpu", "", "1"}, {"cpu", "1", "1g"}, {"mem", "1.5", "1"}, {"no slot", "1", "1"}} {
		_, err := domain.CompareQuantity(c[0], c[1], c[2])
		requireInvalid(t, err, "limit_invalid")
	}
}

func TestLabelLimits(t *testing.T) {
	cpu, mem := domain.Limit{Min: "1"}, domain.Limit{Min: "1073741824"}
	for name, c := range map[string]struct {
		labels   map[string]string
		want     domain.Limits
		problems []string // labels, in order
	}{
		"no labels give the defaults":               {nil, domain.Limits{"cpu": cpu, "mem": mem}, nil},
		"a label replaces its default":              {minLabels("cpu", "4"), domain.Limits{"cpu": {Min: "4"}, "mem": mem}, nil},
		"a lower label replaces its default":        {minLabels("mem", "64m"), domain.Limits{"cpu": cpu, "mem": {Min: "64m"}}, nil},
		"other slots are kept, zero too":            {minLabels("cuda.device", "0", "cuda.shares", "0.1"), domain.Limits{"cpu": cpu, "mem": mem, "cuda.device": {Min: "0"}, "cuda.shares": {Min: "0.1"}}, nil},
		"a blank label is skipped":                  {minLabels("cuda.device", ""), domain.Limits{"cpu": cpu, "mem": mem}, []string{"cuda.device"}},
		"a bad label leaves the default":            {minLabels("mem", "lots", "cpu", "-1"), domain.Limits{"cpu": cpu, "mem": mem}, []string{"cpu", "mem"}},
		"a label without a slot is skipped":         {minLabels("", "1"), domain.Limits{"cpu": cpu, "mem": mem}, []string{""}},
		"memory is mem":                             {minLabels("memory", "2g"), domain.Limits{"cpu": cpu, "mem": {Min: "2g"}}, nil},
		"mem wins over memory":                      {minLabels("memory", "2g", "mem", "3g"), domain.Limits{"cpu": cpu, "mem": {Min: "3g"}}, []string{"memory"}},
		"resource.max gives nothing":                {map[string]string{domain.LabelResourceMaxPrefix + "mem": "256m"}, domain.Limits{"cpu": cpu, "mem": mem}, nil},
		"labels of other kinds do not matter":       {map[string]string{"ai.backend.resource.preferred.shmem": "x", "a": "b"}, domain.Limits{"cpu": cpu, "mem": mem}, nil},
		"white space around a quantity is accepted": {minLabels("cpu", " 2 "), domain.Limits{"cpu": {Min: "2"}, "mem": mem}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, problems := domain.LabelLimits(c.labels)
			require.Empty(t, cmp.Diff(c.want, got))
			var on []string
			for _, err := range problems {
				requireInvalid(t, err, "label_invalid")
				on = append(on, domain.OnOf(err)[len(domain.LabelResourceMinPrefix):])
			}
			require.Equal(t, c.problems, on)
		})
	}
}

func TestResourceLimitsMerge(t *testing.T) {
	mem := domain.ResourceLimit{Key: "mem", Min: "1073741824"}
	for name, c := range map[string]struct {
		labels map[string]string
		custom domain.Limits
		want   []domain.ResourceLimit
	}{
		"nothing set leaves cpu and mem":             {nil, nil, []domain.ResourceLimit{{Key: "cpu", Min: "1"}, mem}},
		"a higher custom cpu wins, as a number":      {minLabels("cpu", "2"), domain.Limits{"cpu": {Min: "10"}}, []domain.ResourceLimit{{Key: "cpu", Min: "10"}, mem}},
		"a lower custom cpu does not":                {minLabels("cpu", "10"), domain.Limits{"cpu": {Min: "2", Max: "12"}}, []domain.ResourceLimit{{Key: "cpu", Min: "10", Max: "12"}, mem}},
		"a custom mem below the default does not":    {nil, domain.Limits{"mem": {Min: "512m", Max: "8g"}}, []domain.ResourceLimit{{Key: "cpu", Min: "1"}, {Key: "mem", Min: "1073741824", Max: "8g"}}},
		"an equal custom value keeps its text":       {nil, domain.Limits{"mem": {Min: "1g"}}, []domain.ResourceLimit{{Key: "cpu", Min: "1"}, {Key: "mem", Min: "1g"}}},
		"in other slots a lower custom min wins":     {minLabels("cuda.device", "4"), domain.Limits{"cuda.device": {Min: "1"}}, []domain.ResourceLimit{{Key: "cpu", Min: "1"}, {Key: "cuda.device", Min: "1"}, mem}},
		"only max keeps the label's min":             {minLabels("cuda.device", "4"), domain.Limits{"cuda.device": {Max: "8"}}, []domain.ResourceLimit{{Key: "cpu", Min: "1"}, {Key: "cuda.device", Min: "4", Max: "8"}, mem}},
		"only max on a new slot starts from zero":    {nil, domain.Limits{"gpu": {Max: "8"}}, []domain.ResourceLimit{{Key: "cpu", Min: "1"}, {Key: "gpu", Min: "0", Max: "8"}, mem}},
		"a max below the label's min stays":          {minLabels("mem", "2g"), domain.Limits{"mem": {Max: "1g"}}, []domain.ResourceLimit{{Key: "cpu", Min: "1"}, {Key: "mem", Min: "2g", Max: "1g"}}},
		"malformed custom parts count as absent":     {nil, domain.Limits{"cpu": {Min: "x", Max: "4"}, "no slot": {Min: "1"}, "gpu": {Min: "-1"}}, []domain.ResourceLimit{{Key: "cpu", Min: "1", Max: "4"}, mem}},
		"memory counts as mem, and mem comes first":  {nil, domain.Limits{"memory": {Min: "8g"}, "mem": {Min: "4g"}}, []domain.ResourceLimit{{Key: "cpu", Min: "1"}, {Key: "mem", Min: "4g"}}},
		"a malformed label does not break the merge": {minLabels("x", ""), domain.Limits{"x": {Min: "3"}}, []domain.ResourceLimit{{Key: "cpu", Min: "1"}, mem, {Key: "x", Min: "3"}}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Empty(t, cmp.Diff(c.want, domain.ResourceLimits(c.labels, c.custom)))
		})
	}
}

func TestResourceLimitJSONLeavesAnAbsentMaxOut(t *testing.T) {
	data, err := json.Marshal(domain.ResourceLimits(nil, domain.Limits{"cpu": {Max: "4"}}))
	require.NoError(t, err)
	require.JSONEq(t, `[{"key":"cpu","min":"1","max":"4"},{"key":"mem","min":"1073741824"}]`, string(data))
}

var (
	drawSlot     = rapid.SampledFrom([]string{"cpu", "mem", "memory", "cuda.device", "cuda.shares", "gpu", "", "Bad"})
	drawQuantity = rapid.OneOf(
		rapid.SampledFrom([]string{"", "1", "2", "10", "0.5", "1g", "512m", "-1", "x", " 3 "}),
		rapid.StringMatching(`[0-9]{1,20}(\.[0-9]{1,5})?[kmg]?`),
	)
	drawLimits = rapid.MapOf(drawSlot, rapid.Custom(func(t *rapid.T) domain.Limit {
		return domain.Limit{Min: drawQuantity.Draw(t, "min"), Max: drawQuantity.Draw(t, "max")}
	}))
	drawMinLabels = rapid.Custom(func(t *rapid.T) map[string]string {
		labels := map[string]string{}
		for slot, text := range rapid.MapOf(drawSlot, drawQuantity).Draw(t, "labels") {
			labels[domain.LabelResourceMinPrefix+slot] = text
		}
		return labels
	})
)

func TestMergingTwiceChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		labels, custom := drawMinLabels.Draw(t, "labels"), domain.Limits(drawLimits.Draw(t, "custom"))
		once := domain.ResourceLimits(labels, custom)
		again := domain.Limits{}
		for _, l := range once {
			again[l.Key] = domain.Limit{Min: l.Min, Max: l.Max}
		}
		require.Equal(t, once, domain.ResourceLimits(labels, again))
	})
}

func TestMergedMinimaOfCPUAndMemAreNeverBelowTheLabels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		labels := drawMinLabels.Draw(t, "labels")
		asked, _ := domain.LabelLimits(labels)
		merged := domain.ResourceLimits(labels, drawLimits.Draw(t, "custom"))
		for i, l := range merged {
			require.True(t, i == 0 || merged[i-1].Key < l.Key, "sorted, each slot once")
			if l.Key == domain.SlotCPU || l.Key == domain.SlotMem {
				c, err := domain.CompareQuantity(l.Key, l.Min, asked[l.Key].Min)
				require.NoError(t, err)
				require.GreaterOrEqual(t, c, 0)
			}
		}
	})
}

func TestNormalizingLimitsTwiceChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		once, err := domain.NormalizeLimits(drawLimits.Draw(t, "limits"))
		if err != nil {
			requireInvalid(t, err, "limit_invalid")
			return
		}
		twice, err := domain.NormalizeLimits(once)
		require.NoError(t, err)
		require.Equal(t, once, twice)
	})
}
