package oci_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/registry/oci"
	"github.com/wharf-project/wharf/domain"
)

// limited answers 429 for the first n requests, then with an image.
func limited(n int, retryAfter func() string) (http.Handler, *atomic.Int64) {
	s, asked := shelf{}, &atomic.Int64{}
	s.put("a/manifests/1", ociManifest, manifest(s.put("a/blobs/config", "", `{"architecture":"amd64","os":"linux"}`), ""))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) <= int64(n) {
			if v := retryAfter(); v != "" {
				w.Header().Set("Retry-After", v)
			}
			fail(w, http.StatusTooManyRequests, "TOOMANYREQUESTS")
			return
		}
		s.ServeHTTP(w, r)
	}), asked
}

// faked opens a registry that h answers for, without a network.
func faked(tb testing.TB, h http.Handler, o oci.Options) *oci.Client {
	tb.Helper()
	o.Transport = handlerTransport{h}
	return open(tb, domain.Registry{URL: "https://cr.example.org"}, o)
}

func TestRetryAfter(t *testing.T) {
	for name, tc := range map[string]struct {
		header func() string
		least  time.Duration
		most   time.Duration
	}{
		"seconds":   {func() string { return "17" }, 17 * time.Second, 17 * time.Second},
		"a date":    {func() string { return time.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat) }, 19 * time.Second, 20 * time.Second},
		"the past":  {func() string { return time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat) }, 0, time.Second},
		"rubbish":   {func() string { return "soon" }, 250 * time.Millisecond, 500 * time.Millisecond},
		"negative":  {func() string { return "-5" }, 250 * time.Millisecond, 500 * time.Millisecond},
		"no header": {func() string { return "" }, 250 * time.Millisecond, 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, asked := limited(1, tc.header)
				started := time.Now()
				_, err := describe(t, faked(t, h, oci.Options{}), "a", "1")
				require.NoError(t, err)
				require.EqualValues(t, 3, asked.Load())
				require.GreaterOrEqual(t, time.Since(started), tc.least)
				require.LessOrEqual(t, time.Since(started), tc.most)
			})
		})
	}
}

func TestTooLongARetryAfterIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, asked := limited(1, func() string { return "3600" })
		c := faked(t, h, oci.Options{})
		started := time.Now()
		_, err := describe(t, c, "a", "1")
		requireCode(t, err, domain.CodeRateLimited, "registry_limited")
		require.Equal(t, time.Hour, domain.RetryAfterOf(err))
		require.Zero(t, time.Since(started), "nobody waits an hour")

		time.Sleep(10 * time.Minute)
		_, err = c.Describe(t.Context(), tagOne, digestOf("known"))
		requireCode(t, err, domain.CodeRateLimited, "registry_limited")
		require.Equal(t, 50*time.Minute, domain.RetryAfterOf(err))
		_, err = tags(t, c, "a")
		requireCode(t, err, domain.CodeRateLimited, "registry_limited")
		require.EqualValues(t, 1, asked.Load(), "the registry is left alone meanwhile")

		time.Sleep(50 * time.Minute)
		_, err = describe(t, c, "a", "1")
		require.NoError(t, err)
	})
}

func TestRetryAfterBeyondTheDeadlineIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := limited(1, func() string { return "30" })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		started := time.Now()
		_, err := faked(t, h, oci.Options{}).Describe(ctx, tagOne, "")
		requireCode(t, err, domain.CodeRateLimited, "registry_limited")
		require.Equal(t, 30*time.Second, domain.RetryAfterOf(err))
		require.Zero(t, time.Since(started))
	})
}

func TestOneWorkersLessonServesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, asked := limited(1, func() string { return "10" })
		c := faked(t, h, oci.Options{})
		_, err := c.Describe(deadline(t, time.Second), tagOne, "")
		requireCode(t, err, domain.CodeRateLimited, "registry_limited")
		started := time.Now()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := describe(t, c, "a", "1"); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		require.EqualValues(t, 1, asked.Load())
		wg.Wait()
		require.Equal(t, 10*time.Second, time.Since(started))
		require.EqualValues(t, 1+8*2, asked.Load())
	})
}

func deadline(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestRateOfRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := limited(0, nil)
		opener := oci.Opener(oci.Options{RequestsPerSecond: 2, Transport: handlerTransport{h}})
		started := time.Now()
		for range 3 { // rows of one host share its limit
			r, err := opener(t.Context(), domain.Registry{Name: "cr.example.org", Type: domain.RegistryOCI})
			require.NoError(t, err)
			_, err = r.Describe(t.Context(), tagOne, "")
			require.NoError(t, err)
		}
		require.Equal(t, 2500*time.Millisecond, time.Since(started), "six requests, the first at once")

		r, err := opener(t.Context(), domain.Registry{Name: "cr.example.org", Type: domain.RegistryOCI})
		require.NoError(t, err)
		_, err = r.Describe(deadline(t, 100*time.Millisecond), tagOne, "")
		requireCode(t, err, domain.CodeRateLimited, "registry_limited")
		other, err := opener(t.Context(), domain.Registry{Name: "other.example.org", Type: domain.RegistryOCI})
		require.NoError(t, err)
		_, err = other.Describe(deadline(t, 600*time.Millisecond), tagOne, "")
		require.NoError(t, err)
	})
}

func TestWhatIsTriedAgain(t *testing.T) {
	get := func(ctx context.Context, c *oci.Client) (err error) {
		for _, err = range c.Tags(ctx, "a") {
		}
		return err
	}
	del := func(ctx context.Context, c *oci.Client) error { return c.DeleteTag(ctx, tagOne) }
	for name, tc := range map[string]struct {
		call   func(context.Context, *oci.Client) error
		status int // 0: the connection breaks
		tries  int64
		code   domain.Code
	}{
		"get 429":         {get, 429, 4, domain.CodeRateLimited},
		"get 500":         {get, 500, 1, domain.CodeUnavailable},
		"get 502":         {get, 502, 4, domain.CodeUnavailable},
		"get 503":         {get, 503, 4, domain.CodeUnavailable},
		"get 504":         {get, 504, 4, domain.CodeUnavailable},
		"get broken":      {get, 0, 4, domain.CodeUnavailable},
		"get teapot":      {get, 418, 1, domain.CodeUnavailable},
		"deletion 429":    {del, 429, 4, domain.CodeRateLimited},
		"deletion 503":    {del, 503, 4, domain.CodeUnavailable},
		"deletion 502":    {del, 502, 1, domain.CodeUnavailable},
		"deletion 504":    {del, 504, 1, domain.CodeUnavailable},
		"deletion broken": {del, 0, 1, domain.CodeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var tries atomic.Int64
				c := open(t, domain.Registry{URL: "https://cr.example.org"}, oci.Options{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					tries.Add(1)
					if tc.status == 0 {
						return nil, errors.New("connection reset by peer")
					}
					return handlerTransport{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(tc.status) })}.RoundTrip(r)
				})})
				err := tc.call(t.Context(), c)
				require.Equal(t, tc.code, domain.CodeOf(err), "%v", err)
				require.Equal(t, tc.tries, tries.Load())
			})
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestARegistryThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := oci.Options{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		c := open(t, domain.Registry{URL: "https://cr.example.org"}, hang)
		started := time.Now()
		_, err := describe(t, c, "a", "1")
		requireCode(t, err, domain.CodeUnavailable, "registry_failed")
		require.Greater(t, time.Since(started), 2*time.Minute, "four tries of 30 s")
		require.Less(t, time.Since(started), 130*time.Second)

		_, err = c.Describe(deadline(t, 10*time.Second), tagOne, "")
		requireCode(t, err, domain.CodeTimeout, "timeout")
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err = c.Describe(ctx, tagOne, "")
		requireCode(t, err, domain.CodeCanceled, "canceled")
	})
}

func TestTokensAreRenewedBeforeTheyEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shelf{}
		s.put("a/manifests/1", ociManifest, manifest(s.put("a/blobs/config", "", `{"architecture":"amd64","os":"linux"}`), ""))
		f := &tokens{inner: s, granted: map[string][]string{}, life: 400, realm: "https://auth.example.org/token"}
		f.server = &server{}
		c := open(t, domain.Registry{URL: "https://cr.example.org", Username: user, Password: password}, oci.Options{Transport: handlerTransport{f.remember(f)}})
		for _, tokens := range []int{1, 1, 1, 2, 2, 2, 3} {
			_, err := describe(t, c, "a", "1")
			require.NoError(t, err)
			require.Equal(t, tokens, f.count("GET /token"))
			time.Sleep(100 * time.Second) // three quarters of 400 s are 300 s
		}
		f.life = 0
		time.Sleep(time.Hour)
		for _, tokens := range []int{4, 4, 5} {
			_, err := describe(t, c, "a", "1")
			require.NoError(t, err)
			require.Equal(t, tokens, f.count("GET /token"), "60 s where the server does not say")
			time.Sleep(44 * time.Second)
		}
	})
}

func TestOneTokenForAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shelf{}
		s.put("a/manifests/1", ociManifest, manifest(s.put("a/blobs/config", "", `{"architecture":"amd64","os":"linux"}`), ""))
		f := &tokens{inner: s, granted: map[string][]string{}, realm: "https://auth.example.org/token"}
		f.server = &server{}
		slow := handlerTransport{f.remember(f)}
		c := open(t, domain.Registry{URL: "https://cr.example.org", Username: user, Password: password}, oci.Options{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/token" {
				select {
				case <-r.Context().Done():
					return nil, r.Context().Err()
				case <-time.After(5 * time.Second):
				}
			}
			return slow.RoundTrip(r)
		})})
		var wg sync.WaitGroup
		wg.Go(func() { // gets the turn first and gives up
			_, err := c.Describe(deadline(t, time.Second), tagOne, "")
			if domain.CodeOf(err) != domain.CodeTimeout {
				t.Error(err)
			}
		})
		synctest.Wait()
		for range 16 {
			wg.Go(func() {
				if _, err := describe(t, c, "a", "1"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, 1, f.count("GET /token"))
		require.Equal(t, 1+1+2*16, len(f.lines()), "one ping, one token")
	})
}
