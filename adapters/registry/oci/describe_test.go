package oci_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/registry/oci"
	"github.com/wharf-project/wharf/domain"
)

// shelved opens a registry of documents.
func shelved(tb testing.TB, fill func(s shelf)) (*oci.Client, *server) {
	tb.Helper()
	s := shelf{}
	fill(s)
	web := serve(tb, s)
	return open(tb, domain.Registry{URL: web.URL}, oci.Options{Attempts: 1}), web
}

func TestContentTypes(t *testing.T) {
	for _, contentType := range []string{
		ociManifest, ociManifest + "; charset=utf-8", strings.ToUpper(ociManifest) + " ; Charset=UTF-8", "application/json; charset=utf-8",
		"text/plain", "", "not a type; =",
	} {
		t.Run(contentType, func(t *testing.T) {
			c, web := shelved(t, func(s shelf) {
				config := s.put("a/blobs/config", "application/octet-stream", `{"architecture":"arm64","os":"linux","config":{"Labels":{"k":"v"}}}`)
				s.put("a/manifests/1", contentType, manifest(config, ""))
			})
			d, err := describe(t, c, "a", "1")
			require.NoError(t, err)
			require.Len(t, d.Images, 1)
			require.Equal(t, "aarch64", d.Images[0].Architecture)
			require.EqualValues(t, 700, d.Images[0].SizeBytes, "layers and configuration")
			require.Equal(t, map[string]string{"k": "v"}, d.Images[0].Labels)
			require.Len(t, web.lines(), 2)
		})
	}
}

func TestTwoArchitecturesCostFiveRequests(t *testing.T) {
	c, web := shelved(t, func(s shelf) {
		var entries []string
		for _, arch := range []string{"amd64", "arm64"} {
			config := s.put("a/blobs/config-"+arch, "", `{"architecture":"`+arch+`","os":"linux"}`)
			entries = append(entries, entry(dockerManifest, s.put("a/manifests/m-"+arch, dockerManifest, manifestOf(dockerConfig, config, "", "")), platform("linux", arch, "")))
		}
		entries = append(entries, // none of these costs a request
			entry(ociManifest, digestOf("attestation"), platform("unknown", "unknown", "")),
			entry(ociManifest, digestOf("windows"), platform("windows", "amd64", "")),
			entry(ociManifest, digestOf("again"), platform("linux", "amd64", "v1")),
			entry(ociManifest, digestOf("odd"), platform("linux", "am d64", "")),
			entry(ociManifest, digestOf("chart"), `,"artifactType":"application/vnd.cncf.helm.chart"`),
			entry("application/vnd.example+json", digestOf("other"), ""),
			entry(ociIndex, digestOf("index"), ""))
		s.put("a/manifests/1", dockerList+"; charset=utf-8", `{"schemaVersion":2,"manifests":[`+strings.Join(entries, ",")+`]}`)
	})
	d, err := describe(t, c, "a", "1")
	require.NoError(t, err)
	require.Len(t, d.Images, 2)
	require.Len(t, web.lines(), 5, "%v", web.lines())
	var reasons []string
	for _, skipped := range d.Skipped {
		reasons = append(reasons, skipped.Reason)
	}
	require.Equal(t, []string{
		oci.SkipAttestation, oci.SkipForeignOS, oci.SkipDuplicate, oci.SkipArchitecture, oci.SkipArtifact, oci.SkipArtifact, oci.SkipNestedIndex,
	}, reasons)
}

func TestSkippedManifests(t *testing.T) {
	image := `{"architecture":"amd64","os":"linux"}`
	for name, tc := range map[string]struct {
		contentType string
		document    func(config domain.Digest) string
		config      string
		reason      string
	}{
		"a chart": {ociManifest, func(c domain.Digest) string {
			return manifestOf("application/vnd.cncf.helm.config.v1+json", c, "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "")
		}, image, oci.SkipArtifact},
		"an artifact":            {ociManifest, func(c domain.Digest) string { return manifest(c, `,"artifactType":"application/vnd.example"`) }, image, oci.SkipArtifact},
		"an empty configuration": {ociManifest, func(c domain.Digest) string { return manifestOf("application/vnd.oci.empty.v1+json", c, "", "") }, "{}", oci.SkipArtifact},
		"a signature": {ociManifest, func(c domain.Digest) string {
			return manifestOf(ociConfig, c, "application/vnd.dev.cosign.simplesigning.v1+json", "")
		}, image, oci.SkipArtifact},
		"a plugin":        {dockerManifest, func(c domain.Digest) string { return manifestOf("application/vnd.docker.plugin.v1+json", c, "", "") }, image, oci.SkipArtifact},
		"an attestation":  {ociManifest, func(c domain.Digest) string { return manifest(c, "") }, `{"architecture":"unknown","os":"unknown"}`, oci.SkipAttestation},
		"windows":         {ociManifest, func(c domain.Digest) string { return manifest(c, "") }, `{"architecture":"amd64","os":"windows"}`, oci.SkipForeignOS},
		"no architecture": {ociManifest, func(c domain.Digest) string { return manifest(c, "") }, `{"os":"linux"}`, oci.SkipArchitecture},
		"schema 1": {"application/vnd.docker.distribution.manifest.v1+prettyjws", func(domain.Digest) string {
			return `{"schemaVersion":1,"name":"a","tag":"1","architecture":"amd64","fsLayers":[{"blobSum":"x"}]}`
		}, image, oci.SkipSchema1},
		"schema 1, typed as JSON": {"application/json", func(domain.Digest) string { return `{"schemaVersion":1,"fsLayers":[]}` }, image, oci.SkipSchema1},
		"an unknown type": {"application/vnd.oci.artifact.manifest.v1+json", func(domain.Digest) string {
			return `{"mediaType":"application/vnd.oci.artifact.manifest.v1+json","blobs":[]}`
		}, image, oci.SkipUnknownType},
		"no configuration blob": {ociManifest, func(domain.Digest) string { return manifest(digestOf("absent"), "") }, image, oci.SkipAbsent},
		"a child that is absent": {ociIndex, func(domain.Digest) string {
			return `{"manifests":[` + entry(ociManifest, digestOf("absent"), platform("linux", "amd64", "")) + `]}`
		}, image, oci.SkipAbsent},
		"a child without an image": {ociIndex, func(c domain.Digest) string { return `{"manifests":[` + entry("", c, "") + `]}` }, image, oci.SkipUnknownType},
	} {
		t.Run(name, func(t *testing.T) {
			var want domain.Digest
			c, _ := shelved(t, func(s shelf) {
				config := s.put("a/blobs/config", "application/octet-stream", tc.config)
				s.put("a/manifests/config", "application/json", tc.config)
				want = s.put("a/manifests/1", tc.contentType, tc.document(config))
			})
			d, err := describe(t, c, "a", "1")
			require.NoError(t, err)
			require.Equal(t, want, d.Digest)
			require.Empty(t, d.Images)
			require.Len(t, d.Skipped, 1)
			require.Equal(t, tc.reason, d.Skipped[0].Reason)
		})
	}
}

func TestConfigurations(t *testing.T) {
	for config, want := range map[string]map[string]string{
		`{"architecture":"amd64","os":"linux","config":{"Labels":null}}`:                                                 {},
		`{"architecture":"amd64","os":"linux","config":null}`:                                                            {},
		`{"architecture":"amd64"}`:                                                                                       {},
		`{"architecture":"amd64","config":{"Labels":{}},"container_config":{"Labels":{"old":"1"}}}`:                      {"old": "1"},
		`{"architecture":"amd64","config":{"Labels":{"new":"2"}},"container_config":{"Labels":{"old":"1"}}}`:             {"new": "2"},
		`{"architecture":"amd64","config":{"Labels":{"text":"1","number":1,"null":null,"list":[]}}}`:                     {"text": "1"},
		`{"architecture":"amd64","config":{"Labels":["a","b"]},"created":"yesterday","history":7,"rootfs":{"type":[1]}}`: {},
	} {
		c, _ := shelved(t, func(s shelf) {
			s.put("a/manifests/1", dockerManifest, manifestOf("application/octet-stream", s.put("a/blobs/config", "", config), "", ""))
		})
		d, err := describe(t, c, "a", "1")
		require.NoError(t, err, config)
		require.Len(t, d.Images, 1, config)
		require.Equal(t, want, d.Images[0].Labels, config)
	}
}

func TestDocumentsThatLie(t *testing.T) {
	image := `{"architecture":"amd64","os":"linux"}`
	for name, fill := range map[string]func(s shelf){
		"a digest that is another's": func(s shelf) {
			s.put("a/manifests/1", ociManifest, manifest(s.put("a/blobs/config", "", image), ""))
			lie(s, "a/manifests/1", "Docker-Content-Digest", digestOf("another").String())
		},
		"a digest that is none": func(s shelf) {
			s.put("a/manifests/1", ociManifest, manifest(s.put("a/blobs/config", "", image), ""))
			lie(s, "a/manifests/1", "Docker-Content-Digest", "md5:1")
		},
		"another child": func(s shelf) {
			config := s.put("a/blobs/config", "", image)
			s.put("a/manifests/child", ociManifest, manifest(config, ""))
			s["/v2/a/manifests/"+digestOf("asked").String()] = s["/v2/a/manifests/child"]
			s.put("a/manifests/1", ociIndex, `{"manifests":[`+entry(ociManifest, digestOf("asked"), platform("linux", "amd64", ""))+`]}`)
		},
		"another configuration": func(s shelf) {
			s.put("a/blobs/config", "", image)
			s["/v2/a/blobs/"+digestOf("asked").String()] = s["/v2/a/blobs/config"]
			s.put("a/manifests/1", ociManifest, manifest(digestOf("asked"), ""))
		},
		"two documents in one": func(s shelf) {
			config := s.put("a/blobs/config", "", image)
			s.put("a/manifests/1", ociManifest, manifest(config, `,"manifests":[`+entry(ociManifest, digestOf("x"), "")+`]`))
		},
		"an index that calls itself an image": func(s shelf) {
			s.put("a/manifests/1", ociManifest, `{"manifests":[`+entry(ociManifest, digestOf("x"), "")+`]}`)
		},
		"an image that calls itself an index": func(s shelf) { s.put("a/manifests/1", ociIndex, manifest(digestOf("x"), "")) },
		"no configuration":                    func(s shelf) { s.put("a/manifests/1", ociManifest, `{"schemaVersion":2}`) },
		"truncated JSON":                      func(s shelf) { s.put("a/manifests/1", ociManifest, manifest(digestOf("x"), "")[:80]) },
		"a truncated configuration": func(s shelf) {
			s.put("a/manifests/1", ociManifest, manifest(s.put("a/blobs/config", "", image[:20]), ""))
		},
		"a web page":    func(s shelf) { s.put("a/manifests/1", "text/html", "<html>please log in</html>") },
		"an odd digest": func(s shelf) { s.put("a/manifests/1", ociIndex, `{"manifests":[{"digest":"sha256:../../x"}]}`) },
		"no digest":     func(s shelf) { s.put("a/manifests/1", ociIndex, `{"manifests":[{"size":1}]}`) },
		"a negative size": func(s shelf) {
			s.put("a/manifests/1", ociManifest, strings.Replace(manifest(s.put("a/blobs/config", "", image), ""), "200", "-200", 1))
		},
		"sizes that overflow": func(s shelf) {
			s.put("a/manifests/1", ociManifest, strings.ReplaceAll(strings.Replace(manifest(s.put("a/blobs/config", "", image), ""), "200", "9223372036854775807", 1), "400", "9223372036854775807"))
		},
		"an endless index": func(s shelf) {
			s.put("a/manifests/1", ociIndex, `{"manifests":[`+strings.Repeat(entry(ociManifest, digestOf("x"), "")+",", 300)+entry(ociManifest, digestOf("x"), "")+`]}`)
		},
		"a huge manifest": func(s shelf) { s.put("a/manifests/1", ociManifest, `{"x":"`+strings.Repeat("x", 4<<20)+`"}`) },
		"a huge configuration": func(s shelf) {
			s.put("a/manifests/1", ociManifest, manifest(s.put("a/blobs/config", "", `{"x":"`+strings.Repeat("x", 8<<20)+`"}`), ""))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := shelved(t, fill)
			d, err := describe(t, c, "a", "1")
			requireCode(t, err, domain.CodeUnavailable, "registry_malformed")
			require.Equal(t, domain.Description{}, d)
		})
	}
}

func lie(s shelf, path, header, value string) {
	document := s["/v2/"+path]
	document.header = http.Header{header: {value}}
	s["/v2/"+path] = document
}

func TestDescribeByHEAD(t *testing.T) {
	fill := func(s shelf) {
		s.put("a/manifests/1", ociManifest, manifest(s.put("a/blobs/config", "", `{"architecture":"amd64","os":"linux"}`), ""))
	}
	_, web := shelved(t, fill)
	known := digestOf(manifest(digestOf(`{"architecture":"amd64","os":"linux"}`), ""))
	for name, tc := range map[string]struct {
		head      http.HandlerFunc
		unchanged bool
	}{
		"the digest": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Docker-Content-Digest", known.String()) }, true},
		"another digest": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Docker-Content-Digest", digestOf("x").String())
		}, false},
		"no digest":       {func(http.ResponseWriter, *http.Request) {}, false},
		"no such method":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMethodNotAllowed) }, false},
		"wrongly absent":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, false},
		"a broken digest": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Docker-Content-Digest", "x") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodHead {
					tc.head(w, r)
					return
				}
				web.Config.Handler.ServeHTTP(w, r)
			}))
			d, err := open(t, domain.Registry{URL: s.URL}, oci.Options{}).Describe(t.Context(), tagOne, known)
			require.NoError(t, err)
			require.Equal(t, known, d.Digest)
			require.Equal(t, tc.unchanged, d.Unchanged)
			require.Len(t, s.lines(), map[bool]int{true: 1, false: 3}[tc.unchanged])
		})
	}
}
