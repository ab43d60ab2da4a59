package oci

import (
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// retry decides whether the n-th try of a request is worth another one, and
// after how long.
func (o Options) retry(n int, method string, a answer, err error, now time.Time) (time.Duration, bool) {
	// A DELETE that may have been carried out is not sent again: somebody may
	// have pushed the tag anew in between.
	uncertain := method != http.MethodDelete
	if err != nil {
		if _, coded := errors.AsType[*domain.Error](err); coded {
			return 0, false
		}
		if _, distrust := errors.AsType[*tls.CertificateVerificationError](err); distrust {
			return 0, false
		}
		return o.backoff(n), uncertain
	}
	switch a.status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if wait := retryAfter(a.header, now); wait > 0 {
			return wait, wait <= o.MaxRetryAfter
		}
		return o.backoff(n), true
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return o.backoff(n), uncertain
	}
	return 0, false
}

// backoff doubles from BackoffMin to BackoffMax; half of it is random, so that
// workers that failed together do not come back together.
func (o Options) backoff(n int) time.Duration {
	d := o.BackoffMax
	if n < 30 && o.BackoffMin<<(n-1) < d {
		d = o.BackoffMin << (n - 1)
	}
	return d/2 + rand.N(d/2+1)
}

// retryAfter reads the header of that name, seconds or a date; 0 when it says
// nothing usable.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.ParseInt(v, 10, 32); err == nil {
		return max(0, time.Duration(s)*time.Second)
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
