package domain

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"
)

// BinarySize is a number of bytes, written and read in powers of 1024: "1g" is
// 1073741824. It is always finite: "no limit" is the absence of a size.
type BinarySize int64

// binaryUnits are the suffixes in rising order; each is 1024 times the one before.
const binaryUnits = "kmgtpezy"

// maxSizeText bounds the work of parsing; the longest size that fits is far shorter.
const maxSizeText = 64

var binarySizeForm = regexp.MustCompile(
	`^([0-9]+(?:_[0-9]+)*)(?:\.([0-9]+(?:_[0-9]+)*))? *(?:([kmgtpezy])(?:ibytes|ibyte|ib|bytes|byte|b)?|(?:bytes|byte|b)?)$`)

// ParseBinarySize reads a size such as "512k", "1.5g", "124.32 KiB", "12_345 bytes"
// or "536870912.000000". Case and surrounding spaces do not matter; '_' may stand
// between digits; "kb", "kib" and "k" all mean 1024 bytes.
//
// The arithmetic is exact. A fraction of a byte that a unit leaves over is cut
// off (1.1k is 1126); without a unit the number must be whole. Refused are
// negative and infinite sizes and whatever exceeds 8 EiB - 1. Errors are invalid
// with reason size_invalid.
func ParseBinarySize(s string) (BinarySize, error) {
	bad := func(why string) (BinarySize, error) {
		return 0, Invalid("size_invalid", nameOr(s, "size"), "%s is not a size: %s", Quote(s), why)
	}
	text := strings.ToLower(strings.TrimSpace(s))
	switch {
	case text == "":
		return bad("it is empty")
	case len(text) > maxSizeText:
		return bad("it is too long")
	case text[0] == '-':
		return bad("it is negative")
	case text == "inf", text == "infinite", text == "infinity":
		return bad("it is not finite; leave a limit out to have none")
	}
	m := binarySizeForm.FindStringSubmatch(text)
	if m == nil || !isASCII(s) {
		return bad("write a number and a unit, such as 512m or 1.5 GiB")
	}
	whole, fraction := strings.ReplaceAll(m[1], "_", ""), strings.ReplaceAll(m[2], "_", "")
	n, _ := new(big.Int).SetString(whole+fraction, 10)
	if m[3] != "" {
		n.Lsh(n, uint(10*(1+strings.Index(binaryUnits, m[3]))))
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(len(fraction))), nil)
	n, rest := n.QuoRem(n, scale, new(big.Int))
	if m[3] == "" && rest.Sign() != 0 {
		return bad("there are no fractions of a byte")
	}
	if !n.IsInt64() {
		return bad("it is larger than 8 EiB - 1")
	}
	return BinarySize(n.Int64()), nil
}

// String returns the size with the largest unit that leaves at least one, rounded
// to two decimals (half to even), without trailing zeros: "1 byte", "2 bytes",
// "1 KiB", "103.45 KiB".
func (b BinarySize) String() string {
	exponent := b.exponent()
	if exponent == 0 {
		if b == 1 {
			return "1 byte"
		}
		return fmt.Sprintf("%d bytes", int64(b))
	}
	return fmt.Sprintf("%s %ciB", b.in(exponent), strings.ToUpper(binaryUnits)[exponent-1])
}

// Format returns the size in a unit, rounded as by [BinarySize.String] and short:
// 'k', 'm', 'g', 't', 'p' and 'e' (1024 in 'k' is "1k", 524288 in 'm' is "0.5m"),
// ' ' for plain bytes, 's' for the unit that String would choose. Another unit is
// invalid with reason size_invalid.
func (b BinarySize) Format(unit byte) (string, error) {
	exponent := b.exponent()
	if unit != 's' {
		exponent = strings.IndexByte(" kmgtpe", unit)
	}
	switch exponent {
	case -1:
		return "", Invalid("size_invalid", excerpt(string(rune(unit))), "%q is not a unit of size", rune(unit))
	case 0:
		return b.in(0), nil
	}
	return b.in(exponent) + binaryUnits[exponent-1:exponent], nil
}

// exponent is the power of 1024 that String divides by.
func (b BinarySize) exponent() int {
	e := 0
	for n := b; n >= 1024 || n <= -1024; n /= 1024 {
		e++
	}
	return e
}

// in returns b divided by 1024^exponent as a decimal with at most two places.
func (b BinarySize) in(exponent int) string {
	unit := new(big.Int).Lsh(big.NewInt(1), uint(10*exponent))
	n := new(big.Int).Mul(big.NewInt(int64(b)), big.NewInt(100))
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
		n.Neg(n)
	}
	n, rest := n.QuoRem(n, unit, new(big.Int))
	if c := rest.Lsh(rest, 1).Cmp(unit); c > 0 || c == 0 && n.Bit(0) == 1 {
		n.Add(n, big.NewInt(1))
	}
	whole, cents := n.QuoRem(n, big.NewInt(100), new(big.Int))
	s := fmt.Sprintf("%s%d.%02d", sign, whole, cents)
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}
