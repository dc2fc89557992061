# Every target brings what it needs; see build/need for what that is and how.
#
#   make demo            build, then a fleet of real servers and a guided move
#   make test            every check and test; PARTS='go window' runs some of them
#   make build           build/bin/shard-admin (window and command line)
#   make build-headless  build/bin/shard-admin-headless (no window, static)
#   make generate        the page's bindings in frontend/wailsjs
#   make bench           speed, as ratios against a peer in the same run
#   make soak            the ledger of online moves, 200 runs; SOAK_RUNS=8 for fewer;
#                        every stop point without each database, or with its
#                        server restarted; a queue of 1,000
#   make fuzz            every parser, 20,000 times; FUZZ=10m for longer
#   make lint            gofumpt, vet, staticcheck, Biome, TypeScript

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X shardadmin/internal/version.version=$(VERSION) -X shardadmin/internal/version.commit=$(COMMIT)
WINDOW_TAGS := desktop,production,webkit2_41
PAGE := $(shell git ls-files frontend 2>/dev/null | grep -v '^frontend/wailsjs/' | grep -v dist/.gitkeep)

.PHONY: demo test build build-headless generate check-generated bench soak fuzz lint page postgres clean

frontend/node_modules/.installed: frontend/package-lock.json
	@build/need go node
	cd frontend && npm ci --no-audit --no-fund
	@touch $@

frontend/dist/index.html: frontend/node_modules/.installed $(PAGE)
	@build/need go node
	cd frontend && npm run --silent build

page: frontend/dist/index.html

# PostgreSQL binaries for the demo and the tests: those installed, else npm's.
postgres:
	@build/need postgres

build: page
	@build/need go window && \
	  echo 'building the window, which takes minutes the first time' && \
	  CGO_ENABLED=1 go build -buildvcs=false -trimpath -tags $(WINDOW_TAGS) -ldflags '$(LDFLAGS)' -o build/bin/shard-admin . || \
	  { [ $$? -eq 3 ] && $(MAKE) --no-print-directory build-headless && cp build/bin/shard-admin-headless build/bin/shard-admin; }

build-headless: page
	@build/need go && echo 'building the program, which takes minutes the first time'
	CGO_ENABLED=0 go build -buildvcs=false -trimpath -tags headless -ldflags '$(LDFLAGS)' -o build/bin/shard-admin-headless .

# Where there is no display, or the window cannot be built, its page is shown.
demo:
	@build/need go node postgres
	@build/need display && $(MAKE) --no-print-directory build || { [ $$? -eq 3 ] && $(MAKE) --no-print-directory build-headless && cp build/bin/shard-admin-headless build/bin/shard-admin; }
	build/bin/shard-admin demo $(DEMO_FLAGS)

generate:
	@build/need go node
	build/generate

check-generated:
	@build/need go node
	build/generate --check

test:
	@build/need test
	@$(MAKE) --no-print-directory build-headless frontend/node_modules/.installed
	build/test

bench:
	@build/need go psql rails exporter
	build/bench

# Four pairs of PostgreSQL versions share the runs.
soak:
	@build/need go postgres versions
	LEDGER_RUNS=$$(( ($${SOAK_RUNS:-200} + 3) / 4 )) go test -tags headless,faults -count 1 -timeout 8h -v -run '^TestLedger$$' ./internal/session
	CUT_ALL=1 go test -tags headless,faults -count 1 -timeout 2h -v -run '^Test(CutAtEveryPoint|ServerRestarted(AtTheSwitch|OutsideTheSwitch))$$' ./internal/session
	QUEUE_TENANTS=$${SOAK_TENANTS:-1000} go test -tags headless,faults -count 1 -timeout 2h -v -run '^TestAHundredTenantsMoveThroughOneQueue$$' ./internal/session

fuzz:
	@build/need go
	PARTS=fuzz build/test

lint: frontend/node_modules/.installed
	@build/need go node
	PARTS='lint page-lint' build/test

clean:
	rm -rf build/bin build/cache build/postgres/node_modules build/postgres/versions/node_modules frontend/node_modules frontend/dist/assets frontend/dist/index.html
