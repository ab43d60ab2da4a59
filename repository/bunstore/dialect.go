package bunstore

import "strings"

// columnTypes fills the templates of the migrations. Postgres is for what only
// it has, or makes use of.
type columnTypes struct {
	Text, Bool, Time, JSON string
	Postgres               bool
}

func typesOf(pg bool) columnTypes {
	if pg {
		return columnTypes{Text: `TEXT COLLATE "C"`, Bool: "BOOLEAN", Time: "TIMESTAMPTZ", JSON: "JSONB", Postgres: true}
	}
	return columnTypes{Text: "TEXT", Bool: "BOOLEAN", Time: "TIMESTAMP", JSON: "TEXT"}
}

// like compares a column with a pattern, case-sensitively, wildcards in the
// value meaning themselves: LIKE on Postgres, where it can use an index by
// bytes; GLOB on SQLite, whose LIKE folds case.
func like(pg bool, value string, before, after bool) (op, pattern string) {
	if pg {
		pattern = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(value)
		return "LIKE ? ESCAPE '!'", surround(pattern, "%", before, after)
	}
	pattern = strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]").Replace(value)
	return "GLOB ?", surround(pattern, "*", before, after)
}

func surround(s, wild string, before, after bool) string {
	if before {
		s = wild + s
	}
	if after {
		s += wild
	}
	return s
}
