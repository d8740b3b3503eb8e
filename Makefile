# make run    builds nsc and starts it on the embedded database in .dev, with everything made by itself
# make test   installs what the tests need where it can (Debian, root), then runs all of them
# make crash  kills the server 2,000 times, on both databases
# make fuzz   runs every fuzz target for a minute
# make attacks  shows that the tests of SECURITY.md fail on naive code
# make check  formatting, vet, staticcheck, other systems, stale generated files

GO      ?= go
BIN     := bin/nsc
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X github.com/nsc-federation/nsc/internal/server.Version=$(VERSION)
MODULES := . test/kubernetes test/interop test/load test/clouds test/acme test/collector

.PHONY: run build test test-tools crash fuzz attacks check generate bench bench-compare clean

run: build
	$(BIN) dev --data-dir .dev

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/nsc

# Nothing is taken from an earlier run: many tests build and run the programs, of which go test's cache knows nothing.
test: test-tools build
	@set -e; for m in $(MODULES); do echo "== $$m"; (cd $$m && $(GO) test -race -count=1 -timeout 30m ./...); done

test-tools:
	@test/install-tools

# make crash [ROUNDS=2000] [SEED=n] kills the server at random instants (test/crash), half of the rounds on each database
ROUNDS ?= 2000
SEED   ?= 0

crash: test-tools
	$(GO) test ./test/crash -count=1 -v -timeout 12h -args -rounds=$$(($(ROUNDS) / 2)) -seed=$(SEED)

# make attacks puts naive code in place of ours, row by row of SECURITY.md, and wants each row's test to fail
attacks:
	$(GO) test -tags naive ./test/attacks -count=1 -v -timeout 1h

# make fuzz [FUZZTIME=60s] runs every fuzz target for so long
FUZZTIME ?= 60s

fuzz:
	@test/fuzz $(FUZZTIME)

check:
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	  if [ -n "$$unformatted" ]; then echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; fi
	@set -e; for m in $(MODULES); do (cd $$m && $(GO) vet ./...); done
	@set -e; for m in $(MODULES); do (cd $$m && $(GO) tool -modfile=$(CURDIR)/test/lint/go.mod staticcheck ./...); done
	@set -e; for os in darwin windows; do CGO_ENABLED=0 GOOS=$$os $(GO) vet . ./client; done
	@if [ -n "$$CI" ]; then CGO_ENABLED=0 GOOS=darwin $(GO) build ./...; fi
	@$(MAKE) --no-print-directory generate
	@changed=$$(git status --porcelain -- docs/reference); \
	  if [ -n "$$changed" ] && [ -n "$$CI" ]; then echo "generated files are stale; run make generate and commit:"; echo "$$changed"; exit 1; fi

generate:
	$(GO) generate ./...

# make bench [SHORT=1] measures nsc against the floor (test/load) and writes docs/performance.md
bench: build
	cd test/load && $(GO) build -o $(CURDIR)/bin/floor ./floor && $(GO) build -o $(CURDIR)/bin/load .
	bin/load -nsc $(BIN) -floor bin/floor -o docs/performance.md $(if $(SHORT),-short) $(LOAD)

# make bench-compare BASE=rev [COUNT=6] compares the benchmarks of the hot functions with those of another revision
HOT   := . ./internal/jwt ./internal/identity ./internal/policy ./internal/audit ./internal/store
COUNT ?= 6

bench-compare:
	@test -n "$(BASE)" || { echo "usage: make bench-compare BASE=revision"; exit 2; }
	@mkdir -p bin && rm -rf bin/base && git worktree prune && git worktree add --detach --force bin/base $(BASE)
	@(cd bin/base && $(GO) test -run '^$$' -bench . -benchmem -count $(COUNT) $(HOT)) >bin/base.txt; \
	  status=$$?; git worktree remove --force bin/base; exit $$status
	@$(GO) test -run '^$$' -bench . -benchmem -count $(COUNT) $(HOT) >bin/head.txt
	@$(GO) tool -modfile=test/lint/go.mod benchstat bin/base.txt bin/head.txt

clean:
	rm -rf bin
