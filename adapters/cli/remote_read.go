package cli

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// read makes a result or an error of what came back. Only an answer that looks
// like one of ours in every way is one.
func (r *remote) read(res *http.Response, e service.Entry) answer {
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	status := res.StatusCode
	var got answer
	switch {
	case media == "application/problem+json" && status >= 400:
		got = r.readProblem(res, e)
	case media == "application/json" && (status == http.StatusOK || status == http.StatusAccepted):
		got = r.readResult(res, e)
	case status >= 300 && status < 400:
		got.err = r.invalid("it redirects to "+elsewhere(res.Header.Get("Location"))+"; if that is right, say so as the server", nil)
	default:
		got.err = r.invalid("status "+strconv.Itoa(status)+", "+domain.Quote(res.Header.Get("Content-Type")), nil)
	}
	if domain.ReasonOf(got.err) == replyInvalid {
		got.again = got.again || slices.Contains([]int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}, status)
	}
	if got.err != nil && status == http.StatusTooManyRequests {
		got.wait = retryAfter(res.Header)
	}
	return got
}

const replyInvalid = "server_reply_invalid"

// invalid is what is not an answer of a wharf server.
func (r *remote) invalid(what string, cause error) error {
	return &domain.Error{
		Code: domain.CodeUnavailable, Reason: replyInvalid, On: r.name, Err: cause,
		Message: r.name + " does not answer as a wharf server does: " + what,
	}
}

func elsewhere(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" {
		return "another path"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
}

func (r *remote) readResult(res *http.Response, e service.Entry) answer {
	body := &bounded{r: res.Body, left: r.config.mostBytes}
	result, err := decodeResult(body, e.Result)
	switch {
	case err == nil:
		return answer{result: result}
	case body.over:
		return answer{err: r.invalid("it sends more than "+strconv.FormatInt(r.config.mostBytes, 10)+" bytes", nil)}
	case body.err != nil:
		return answer{again: true, err: &domain.Error{
			Code: domain.CodeUnavailable, Reason: "server_unreachable", On: r.name, Message: "the answer of " + r.name + " was cut off", Err: body.err,
		}}
	}
	return answer{err: r.invalid("it is not the JSON that "+e.Spec.Name+" gives", err)}
}

func (r *remote) readProblem(res *http.Response, e service.Entry) answer {
	var p struct {
		Code   domain.Code `json:"code"`
		Reason string      `json:"reason"`
		On     string      `json:"on"`
		Detail string      `json:"detail"`
	}
	err := json.NewDecoder(&bounded{r: res.Body, left: maxProblem}).Decode(&p)
	switch {
	case err != nil || !slices.Contains(domain.Codes(), p.Code):
		return answer{err: r.invalid("status "+strconv.Itoa(res.StatusCode)+" without a code of ours", err)}
	case p.Reason == "path_not_found": // an action of another version
		return answer{err: domain.Errorf(domain.CodePrecondition, "action_unknown", e.Spec.Name, "%s does not know %s: it is another version, or what is there is no wharf server", r.name, e.Spec.Name)}
	}
	return answer{err: &domain.Error{Code: p.Code, Reason: p.Reason, On: p.On, Message: p.Detail, RetryAfter: retryAfter(res.Header)}}
}

// retryAfter reads Retry-After, in seconds or as a date; 0 for none.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(n, 0), 1<<30)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// bounded reads so much and no more, and remembers what the connection said.
type bounded struct {
	r    io.Reader
	left int64
	over bool
	err  error
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		p = p[:min(1, len(p))] // is there more?
	}
	n, err := b.r.Read(p[:min(int64(len(p)), max(b.left, 1))])
	if b.left -= int64(n); b.left < 0 {
		b.over = true
		return 0, errors.New("too much")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

// decodeResult reads a document, field by field. Members that the result does
// not have are those of a newer server; without any that it has, it is a
// document of something else.
func decodeResult(body io.Reader, t reflect.Type) (any, error) {
	result, known := reflect.New(t).Elem(), 0
	fields, required := membersOf(t)
	d := json.NewDecoder(body)
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.Join(errors.New("no object"), err)
	}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string) // nothing else can be here
		var into any = &json.RawMessage{}
		if index, ok := fields[name]; ok {
			into = result.FieldByIndex(index).Addr().Interface()
			known++
		}
		if err := d.Decode(into); err != nil {
			return nil, err
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.Join(errors.New("something follows"), err)
	}
	if known == 0 && required > 0 {
		return nil, errors.New("no member is known")
	}
	return result.Interface(), nil
}

// membersOf lists the members of a struct's document, and how many of them are
// always there.
func membersOf(t reflect.Type) (fields map[string][]int, required int) {
	fields = map[string][]int{}
	for _, sf := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if !sf.IsExported() || sf.Anonymous || name == "" || name == "-" {
			continue
		}
		fields[name] = sf.Index
		if !strings.Contains(options, "omit") {
			required++
		}
	}
	return fields, required
}
