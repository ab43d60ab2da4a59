# Every command of the project. `make` alone lists them.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules --warn-undefined-variables
.DEFAULT_GOAL := help

GO ?= go
CI ?=
REQUIRE_CONTAINERS ?=
# Tools are pinned, and kept beside the Go caches: a new clone builds none.
TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/wharf/tools
GOLANGCI_VERSION := v2.15.0
GOLANGCI := $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)

# SQLite is C turned into Go: race-checking its every access triples the time
# and finds races of nobody here.
RACE := -race '-gcflags=modernc.org/...=-race=false'

export GOTOOLCHAIN := local
export REQUIRE_CONTAINERS

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## the product's job from end to end, in a minute, without any service
	$(GO) run ./tests/demo

.PHONY: build
build: ## bin/wharf
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/wharf ./cmd/wharf

.PHONY: test
test: engine ## everything, with integration tests on a real Docker Engine
	$(GO) test $(RACE) -timeout 15m $$($(GO) list ./... | grep -v -e /tests/survival -e /tests/parity)
	WHARF_TEST_SIZE=1 $(GO) test -run '^(TestCosts|TestPurgeFleetRatio|TestPagesOfALargeCatalogueReadLittle)$$' ./adapters/rbac ./service ./tests/bench # times and sizes: not under the race detector
	$(GO) test -timeout 10m ./tests/parity # every case five times: each leg runs under the race detector where it lives
	$(GO) test -timeout 10m ./tests/survival # processes that are killed: the race detector would see half of each

.PHONY: test-short
test-short: ## everything that needs no Docker Engine
	$(GO) test -short -timeout 10m ./...

.PHONY: engine
engine: ## a running Docker Engine and the images that the tests need
	.ci/docker.sh
	$(GO) run ./tests/containers/build

.PHONY: lint
lint: $(GOLANGCI) ## gofmt, vet and the linters of .golangci.yml
	$(GOLANGCI) run ./...

$(GOLANGCI):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(TOOLS)/golangci-lint $@

.PHONY: generate
generate: ## what is made from the catalogue of actions
	$(GO) generate ./...

.PHONY: tidy
tidy: ## go.mod and go.sum
	$(GO) mod tidy

.PHONY: verify
verify: generate tidy ## fail when generated files, go.mod or go.sum are not as committed
	$(GO) run ./tests/compat # what others build on
	@if [ -n "$$(git status --porcelain)" ]; then git status --short; git diff; echo 'verify: the tree is not clean' >&2; exit 1; fi

.PHONY: bench
bench: ## the figures of the README
	$(GO) test -run '^$$' -bench . -benchmem ./service ./adapters/rbac
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 20m ./tests/bench

.PHONY: bench-fleet
bench-fleet: ## 20 images on 1,000 nodes over NATS: how far from the ideal, and how much memory
	$(GO) test -run '^$$' -bench PreloadFleet -benchtime 1x -timeout 20m ./tests/bench

.PHONY: bench-size
bench-size: engine ## lists over 100,000 images: what Postgres reads for a page
	WHARF_TEST_SIZE=1 $(GO) test -run PagesOfALarge -timeout 20m -v ./tests/bench

.PHONY: bench-api
bench-api: engine ## pages over GraphQL next to the bare driver, and the memory of 1,000 watchers
	$(GO) test -run '^$$' -bench '^Benchmark(APIPage|Watchers)$$' -benchtime 1x -timeout 20m ./tests/bench

.PHONY: bench-transfer
bench-transfer: engine ## 1 GiB and 200 small images to a registry and back, next to crane, skopeo, regctl and docker (WHARF_BENCH_MIB, _LAYERS, _IMAGES, _RUNS for less)
	WHARF_BENCH_TRANSFER=1 $(GO) test -run '^TestTransfer(Engine)?$$' -timeout 60m -v ./tests/bench | grep -v '^ *---\|^=== '

.PHONY: soak
soak: engine ## what survives kills and faults, for an hour
	WHARF_TEST_SOAK=1 $(GO) test -timeout 120m -v ./tests/survival

.PHONY: fuzz
fuzz: ## every fuzz target for ten seconds
	@for pkg in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime 10s $$pkg; \
		done; \
	done
