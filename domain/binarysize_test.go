package domain_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wharf-project/wharf/domain"
)

func TestParseBinarySizeReads(t *testing.T) {
	for text, want := range map[string]domain.BinarySize{
		"1 byte":           1,
		"19291991":         19291991,
		"1.1k":             1126,
		"11_021_204":       11021204,
		"12345 bytes":      12345,
		"12345 B":          12345,
		"12_345 bytes":     12345,
		"1 KiB":            1024,
		"2 KiBytes":        2048,
		"124.32 KiB":       127303,
		"1g":               1 << 30,
		"1m":               1 << 20,
		"0.5m":             1 << 19,
		"512k":             1 << 19,
		"536870912.000000": 1 << 29,
		"1024.0":           1024,
		"0.000":            0,
		"1.000000K":        1024,
		"2.0M":             2 << 20,
		// Less common, and at the borders.
		"0":                         0,
		"0y":                        0,
		" 3 kb ":                    3072,
		"1KIBYTE":                   1024,
		"007":                       7,
		"7e":                        7 << 60,
		"7.999999999999999999e":     1<<63 - 2,
		"9223372036854775807":       math.MaxInt64,
		"9223372036854775807.00000": math.MaxInt64,
		"0.0000000000000000000001z": 0,
	} {
		t.Run(text, func(t *testing.T) {
			got, err := domain.ParseBinarySize(text)
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

func TestParseBinarySizeRefuses(t *testing.T) {
	for _, text := range []string{
		"", " ", "1.1", "1.5", "0.5", "1.25", "1.000001", "1.5 bytes", // fractions of a byte
		"inf", "infinite", "Infinity", "-inf", "nan",
		"-1", "-1g", "+1", "--1",
		"9223372036854775808", "8e", "1z", "1y", "9999999999999999999999y", strings.Repeat("9", 65),
		"k", "kib", "1 ib", "1x", "1kk", "1k1", "1.g", ".5g", "1..5g", "1e3", "0x10", "1/2",
		"_1", "1_", "1__0", "1,024", "1 0", "1\x00", "1\u212a", "١",
	} {
		t.Run(strconv.Quote(text), func(t *testing.T) {
			_, err := domain.ParseBinarySize(text)
			requireInvalid(t, err, "size_invalid")
		})
	}
}

func TestBinarySizePrintsForPeople(t *testing.T) {
	for size, want := range map[domain.BinarySize]string{
		0:             "0 bytes",
		1:             "1 byte",
		2:             "2 bytes",
		1023:          "1023 bytes",
		1024:          "1 KiB",
		1536:          "1.5 KiB",
		105935:        "103.45 KiB",
		1048576123:    "1000 MiB",
		1<<20 - 1:     "1024 KiB",
		1024 + 128:    "1.12 KiB", // 1.125, half to even
		1024 + 384:    "1.38 KiB", // 1.375
		math.MaxInt64: "8 EiB",
		-1:            "-1 bytes",
		-1536:         "-1.5 KiB",
		math.MinInt64: "-8 EiB",
	} {
		require.Equal(t, want, size.String())
	}
}

func TestBinarySizeFormatsInAUnit(t *testing.T) {
	for _, c := range []struct {
		size domain.BinarySize
		unit byte
		want string
	}{
		{930, ' ', "930"},
		{1024, 'k', "1k"},
		{1048576, 'k', "1024k"},
		{524288, 'm', "0.5m"},
		{1048576123, 'm', "1000m"},
		{930, 's', "930"},
		{1024, 's', "1k"},
		{1 << 30, 's', "1g"},
		{0, 'g', "0g"},
		{1 << 60, 'e', "1e"},
	} {
		got, err := c.size.Format(c.unit)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	for _, unit := range []byte{'x', 'K', 0, 0xff, 'z'} {
		_, err := domain.BinarySize(1).Format(unit)
		requireInvalid(t, err, "size_invalid")
	}
}

func TestWholeSizesSurvivePrintingAndParsing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, math.MaxInt64).Draw(t, "n")
		got, err := domain.ParseBinarySize(strconv.FormatInt(n, 10) + rapid.SampledFrom([]string{"", "b", " bytes", ".0"}).Draw(t, "unit"))
		require.NoError(t, err)
		require.Equal(t, domain.BinarySize(n), got)
	})
}

// What is printed reads back to within the half hundredth that rounding takes.
func TestPrintedSizesReadBackNearby(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, math.MaxInt64/2).Draw(t, "n")
		printed := domain.BinarySize(n).String()
		back, err := domain.ParseBinarySize(printed)
		require.NoError(t, err, printed)
		require.InEpsilon(t, float64(n)+1, float64(back)+1, 0.006, printed)
	})
}
