package oci

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/wharf-project/wharf/domain"
)

// realm checks where a registry wants tokens to be fetched, and returns it.
// Without credentials any https host will do: nothing secret goes there.
func (a *authority) checkRealm(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil {
		return nil, domain.Errorf(domain.CodeUnavailable, reasonMalformed, a.client.row.String(), "the registry names a token realm that is no URL: %s", domain.Quote(text))
	}
	u.Fragment = ""
	if u.Scheme != "https" && (u.Scheme != "http" || a.client.base.Scheme != "http") {
		return nil, a.refuseRealm(u, "is not https")
	}
	if err := a.guard.check(u); err != nil {
		return nil, err
	}
	if a.hasCredentials() && !onSite(a.client.base.Hostname(), u.Hostname()) && !listed(a.client.row.TokenRealms, u) {
		return nil, a.refuseRealm(u, "is not on the registry's site; list it in token_realms to trust it")
	}
	return u, nil
}

func (a *authority) refuseRealm(u *url.URL, why string) error {
	return domain.Errorf(domain.CodePrecondition, reasonRealm, u.Host, "the registry's token realm %s %s", domain.Quote(u.Host), why)
}

// listed reports whether realms hold the host of u, with or without its port.
func listed(realms []string, u *url.URL) bool {
	return slices.ContainsFunc(realms, func(r string) bool {
		return strings.EqualFold(r, u.Host) || strings.EqualFold(r, u.Hostname()) || strings.EqualFold(r, hostPort(u))
	})
}

// onSite reports whether host may have the credentials of the registry own: the
// same host, its domain, or a host below that domain.
func onSite(own, host string) bool {
	own, host = strings.ToLower(own), strings.ToLower(host)
	if own == host {
		return true
	}
	s := site(own)
	return s != "" && (host == s || strings.HasSuffix(host, "."+s))
}

// site returns the domain of a host's site, "" when it stands for itself only.
// It is the host without its first label, unless too little remains: one label,
// or what looks like a public suffix (co.uk). Erring towards less is safe, since
// a row can list further realms.
func site(host string) string {
	if _, err := netip.ParseAddr(host); err == nil || !strings.Contains(host, ".") {
		return ""
	}
	labels := strings.Split(host, ".")
	switch parent := labels[1:]; {
	case len(parent) < 2, len(parent) == 2 && len(parent[1]) == 2 && len(parent[0]) <= 3:
		return host
	default:
		return strings.Join(parent, ".")
	}
}
