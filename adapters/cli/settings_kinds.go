package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// setter puts the text of a setting where it belongs. Errors: invalid.
type setter = func(into *Settings, v string) error

func setText(at func(*Settings) *string) setter {
	return func(s *Settings, v string) error { *at(s) = v; return nil }
}

// setChecked is text of a form; the empty text is the default.
func setChecked(at func(*Settings) *string, check func(string) error) setter {
	return func(s *Settings, v string) error {
		if v != "" {
			if err := check(v); err != nil {
				return err
			}
		}
		*at(s) = v
		return nil
	}
}

func setSwitch(at func(*Settings) *bool) setter {
	return func(s *Settings, v string) error {
		on, err := strconv.ParseBool(v)
		if err != nil {
			return domain.Invalid("setting_invalid", "switch", "true or false, not %s", domain.Quote(v))
		}
		*at(s) = on
		return nil
	}
}

func setKeep(at func(*Settings) *time.Duration) setter {
	return func(s *Settings, v string) (err error) {
		*at(s), err = parseKeep(v)
		return err
	}
}

// setSize is a number of bytes, more than none; "" is the default.
func setSize(at func(*Settings) *int64) setter {
	return func(s *Settings, v string) error {
		if v == "" {
			return nil
		}
		n, err := domain.ParseBinarySize(v)
		if err == nil && n < 1 {
			err = domain.Invalid("size_invalid", "size", "a size is one byte at least")
		}
		*at(s) = int64(n)
		return err
	}
}

// setCount is a number from 1 on; "" is the default.
func setCount(at func(*Settings) *int) setter {
	return func(s *Settings, v string) error {
		if v == "" {
			return nil
		}
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return domain.Invalid("setting_invalid", "number", "a number from 1 on, not %s", domain.Quote(v))
		}
		*at(s) = n
		return nil
	}
}

// setMapping is NAME=VALUE, several separated by commas.
func setMapping(at func(*Settings) *map[string]string) setter {
	return func(s *Settings, v string) error {
		if v == "" {
			return nil
		}
		given := strings.Split(v, ",")
		for i := range given {
			given[i] = strings.TrimSpace(given[i])
		}
		return pairs(at(s), given)
	}
}

// setClusters is a list of clusters, separated by commas. Whether they go
// together is for the service to say.
func setClusters(at func(*Settings) *[]domain.Cluster) setter {
	return func(s *Settings, v string) error {
		*at(s) = nil
		for text := range strings.SplitSeq(v, ",") {
			if text = strings.TrimSpace(text); text == "" {
				continue
			}
			c, err := domain.ParseCluster(text)
			if err != nil {
				return err
			}
			*at(s) = append(*at(s), c)
		}
		return nil
	}
}

// parseKeep reads how long something is kept: "" is the default, and forever is
// negative.
func parseKeep(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	if strings.EqualFold(s, "forever") {
		return -1, nil
	}
	d, ok := parseAge(s)
	if !ok || d == 0 {
		return 0, domain.Invalid("setting_invalid", "keep", "a time such as 12h or 30d, or forever, not %s", domain.Quote(s))
	}
	return d, nil
}
