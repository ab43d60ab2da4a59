package rest_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/rest"
	"github.com/wharf-project/wharf/domain"
)

func TestAReadIsAnsweredTheSameByGETAndPOST(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{})
	img := w.image("team/app:1")
	w.image("team/app:2")
	post := w.do("POST", "/v1/image/list", `{"limit": 1, "statuses": ["alive", "missing"], "where": {"field": "tag", "op": "eq", "value": "1"}, "count": true}`).ok(200)
	get := w.do("GET", `/v1/image/list?limit=1&statuses=alive,missing&count=true&where={"field":"tag","op":"eq","value":"1"}`, "").ok(200)
	require.Equal(t, post, get)
	require.EqualValues(t, 1, get["total"])
	require.Equal(t, string(img.ID), get["images"].([]any)[0].(map[string]any)["id"])

	head := w.do("HEAD", "/v1/image/list?limit=1", "")
	require.Equal(t, http.StatusOK, head.StatusCode)
}

func TestAnETagFollowsWhatTheAnswerShows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{})
	img := w.image("team/app:1")
	target := "/v1/image/get?reference=" + string(img.ID)
	first := w.do("GET", target, "")
	first.ok(200)
	tag := first.Header.Get("ETag")
	require.Regexp(t, `^"1-[0-9a-f]{16}"$`, tag)

	for _, header := range []string{tag, "W/" + tag, `"7", ` + tag, "*"} {
		same := w.do("GET", target, "", "If-None-Match: "+header)
		require.Equal(t, http.StatusNotModified, same.StatusCode, header)
		require.Empty(t, same.body)
		require.Equal(t, tag, same.Header.Get("ETag"))
	}
	w.do("GET", target, "", `If-None-Match: "1"`).ok(200)

	w.do("POST", "/v1/alias/create-by-id", body(t, map[string]any{"image_id": img.ID, "alias": "app"})).ok(200)
	seen := w.do("GET", target, "", "If-None-Match: "+tag)
	require.Equal(t, []any{"app"}, seen.ok(200)["image"].(map[string]any)["aliases"], "an alias is no revision of the row, but it is shown")
	require.NotEqual(t, tag, seen.Header.Get("ETag"))
	require.Empty(t, w.do("GET", "/v1/image/list", "").Header.Get("ETag"), "a list has no revision")
	require.Empty(t, w.do("GET", "/v1/access/explain?permission=image.get", "").Header.Get("ETag"), "nor has a decision")
	created := w.do("POST", "/v1/registry/create", `{"name": "two.example.org"}`)
	created.ok(200)
	require.Equal(t, `"1"`, created.Header.Get("ETag"))
}

func TestIfMatchChangesARowOnlyWhileItIsAsTheCallerSawIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{})
	img := w.image("team/app:1")
	tag := w.do("GET", "/v1/image/get?reference="+string(img.ID), "").Header.Get("ETag")
	change := body(t, map[string]any{"image_id": img.ID, "modifier": map[string]any{"labels": map[string]string{"a": "b"}}})

	changed := w.do("POST", "/v1/image/modify-by-id", change, "If-Match: "+tag)
	changed.ok(200)
	require.Equal(t, `"2"`, changed.Header.Get("ETag"))
	late := w.do("POST", "/v1/image/modify-by-id", change, "If-Match: "+tag)
	late.problem(http.StatusPreconditionFailed, "revision_changed", img.Canonical())
	stale := strings.TrimSuffix(change, "}") + `,"revision":1}`
	w.do("POST", "/v1/image/modify-by-id", stale).problem(http.StatusConflict, "revision_changed", img.Canonical())
	w.do("POST", "/v1/image/modify-by-id", change, `If-Match: *`).ok(200)
	w.do("POST", "/v1/image/modify-by-id", strings.TrimSuffix(change, "}")+`,"revision":3}`, `If-Match: "3"`).ok(200)

	w.do("POST", "/v1/image/modify-by-id", stale, `If-Match: "2"`).problem(400, "header_invalid", "If-Match")
	for _, bad := range []string{`W/"4"`, `4`, `"0"`, `"-1"`, `"04"`, `""`, `"4", "5"`, `"99999999999999999999"`, `"4`, `"x"`, `"9223372036854775808"`} {
		w.do("POST", "/v1/image/modify-by-id", change, "If-Match: "+bad).problem(400, "header_invalid", "If-Match")
	}
	w.do("POST", "/v1/image/modify-by-id", change, `If-Match: "4"`, `If-Match: "4"`).problem(400, "header_invalid", "If-Match")
	w.do("POST", "/v1/image/forget-by-id", body(t, map[string]any{"image_id": img.ID}), `If-Match: "4"`).problem(400, "header_invalid", "If-Match")
}

func TestAnIdempotencyKeyRunsAWriteOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{})
	create := `{"name": "one.example.org"}`
	first := w.do("POST", "/v1/registry/create", create, "Idempotency-Key: k1").ok(200)
	again := w.do("POST", "/v1/registry/create", create, "Idempotency-Key: k1").ok(200)
	require.Equal(t, first, again)
	w.do("POST", "/v1/registry/create", `{"name": "two.example.org"}`, "Idempotency-Key: k1").problem(http.StatusConflict, "idempotency_mismatch", "")
	w.do("POST", "/v1/registry/create", create).problem(http.StatusConflict, "registry_exists", "")

	for _, bad := range []string{"", " ", "a b", "é", strings.Repeat("k", 256), "a\tb"} {
		w.do("POST", "/v1/registry/create", create, "Idempotency-Key: "+bad).problem(400, "idempotency_key_invalid", "Idempotency-Key")
	}
	w.do("POST", "/v1/registry/create", create, "Idempotency-Key: a", "Idempotency-Key: b").problem(400, "idempotency_key_invalid", "Idempotency-Key")
	w.do("POST", "/v1/registry/list", `{}`, "Idempotency-Key: a b").ok(200) // a read runs as often as it likes
}

func TestTheIdempotencyKeyTravelsBesideTheActor(t *testing.T) {
	t.Parallel()
	c := &caught{}
	w := newWorld(t, at{door: c.middleware})
	w.do("POST", "/v1/image/clear", `{"registry": "x"}`, "Idempotency-Key: "+strings.Repeat("k", 255)).problem(412, "caught", "")
	require.Equal(t, strings.Repeat("k", 255), c.key)
	w.do("POST", "/v1/image/clear", `{"registry": "x"}`).problem(412, "caught", "")
	require.Empty(t, c.key)
}

func TestALongActionIsWorkedOffAsATaskWhenThatIsPreferred(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{})
	for _, prefer := range []string{"respond-async", "wait=10, Respond-Async; foo=1"} {
		res := w.do("POST", "/v1/registry/rescan", `{}`, "Prefer: "+prefer)
		id := res.ok(http.StatusAccepted)["task_id"].(string)
		require.Equal(t, "respond-async", res.Header.Get("Preference-Applied"))
		require.Equal(t, "/v1/task/get?task_id="+id, res.Header.Get("Location"))
		require.Equal(t, id, w.do("GET", res.Header.Get("Location"), "").ok(200)["task"].(map[string]any)["id"])
	}
	asked := w.do("POST", "/v1/registry/rescan", `{"background": true}`)
	asked.ok(http.StatusAccepted)
	require.Empty(t, asked.Header.Get("Preference-Applied"), "it was no preference but a demand")
	require.NotEmpty(t, asked.Header.Get("Location"))

	for _, c := range []struct{ path, body string }{
		{"/v1/registry/list", `{}`}, // not long
		{"/v1/agent/unload-images", `{"images": [{"name": "x"}], "target_agents": "*", "dry_run": true, "allow_empty": true}`}, // a plan is told at once
	} {
		res := w.do("POST", c.path, c.body, "Prefer: respond-async")
		require.NotEqual(t, http.StatusAccepted, res.StatusCode)
		require.Empty(t, res.Header.Get("Preference-Applied"))
		require.NotContains(t, string(res.body), "background_dry_run")
	}
	inline := w.do("POST", "/v1/registry/rescan", `{}`)
	inline.ok(200)
	require.Empty(t, inline.Header.Get("Location"))
}

func TestTheRateLimitIsTold(t *testing.T) {
	t.Parallel()
	var asked []actions.Effect
	w := newWorld(t, at{rest: rest.Options{Rates: func(ctx context.Context, e actions.Effect) (int, int, time.Duration, bool) {
		_, known := domain.EnvelopeFrom(ctx)
		asked = append(asked, e)
		return 400, -1, 1500 * time.Millisecond, known
	}}})
	for _, res := range []*answer{w.do("GET", "/v1/image/list", ""), w.do("POST", "/v1/image/clear", `{}`), w.do("GET", "/events/background-task?taskId=x", "")} {
		require.Equal(t, "400", res.Header.Get("X-RateLimit-Limit"))
		require.Equal(t, "0", res.Header.Get("X-RateLimit-Remaining"))
		require.Equal(t, "2", res.Header.Get("X-RateLimit-Reset"))
	}
	require.Equal(t, []actions.Effect{actions.Read, actions.Write, actions.Read}, asked)
	require.Empty(t, w.do("GET", "/v1/image/list", "", "X-Test-User: -").Header.Get("X-RateLimit-Limit"))
}

func TestAnswersAreNotKeptByProxies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at{})
	require.Equal(t, "no-store", w.do("GET", "/v1/image/list", "").Header.Get("Cache-Control"))
	require.Equal(t, "no-store", w.do("GET", "/v1/nothing", "").Header.Get("Cache-Control"))
	img := w.image("a:1")
	require.Equal(t, "private, no-cache", w.do("GET", "/v1/image/get?reference="+string(img.ID), "").Header.Get("Cache-Control"))
}
