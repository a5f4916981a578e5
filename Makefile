# Every command of the project. Needs Python 3.11 or newer with venv, make, and the package registries; nothing else.

PORT ?= 8000
V := .venv/bin
NEEDED := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
ifndef PY
PY = $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c '$(NEEDED)' >/dev/null 2>&1 && echo $$python && break; done)
endif
UV := $(V)/uv --quiet --system-certs --no-progress
EXPORT := $(UV) export --no-emit-project --no-header --no-annotate --format requirements.txt

# Else each of the many processes of a demo or a test run compiles every library anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo demo-reset test test-faults test-random check lock install
.DEFAULT_GOAL := help

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

demo: install ## Run the whole site with a simulated Amazon on PORT (8000) and PORT + 1; data stays in .demo
	@exec $(V)/python -m feedbackfive.demo --die-with-parent --port '$(PORT)'

demo-reset: install ## Throw the demo's data away and start over
	@exec $(V)/python -m feedbackfive.demo --die-with-parent --port '$(PORT)' --reset

test: install ## Run all tests on private, throw-away services
	@$(V)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

test-faults: install ## Kill the process that sends a hundred times, and let thousands opt out while eight send (half an hour)
	@FAULT_RUNS=100 RACE_BUYERS=3000 $(V)/python -m pytest -q tests/messaging/test_faults.py tests/messaging/test_dispatch_at_once.py

test-random: install ## Draw 2,000 new examples for every property
	@RANDOM_EXAMPLES=2000 $(V)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m hypothesis

check: install ## Run the linters, the type checker and the check for missing migrations
	@$(V)/ruff check
	@find templates -name '*.html' -exec $(V)/djade --check --target-version 5.2 {} +
	@$(V)/lint-imports --no-logo
	@$(V)/python -m mypy .
	@$(V)/python -m feedbackfive.devservices $(V)/python manage.py makemigrations --check

install: .venv/.done node_modules/.done

# A lock that has changed is installed over what is there; a broken or foreign .venv is made anew.
.venv/.done: requirements/dev.lock requirements/uv.lock
	@test -w . || { echo "This folder cannot be written to; work in a copy of it that can." >&2; exit 1; }
	@$(or $(PY),false) -c '$(NEEDED)' 2>/dev/null || { echo "Python 3.11 or newer with its venv module is needed" \
		"(Debian and Ubuntu: apt install python3-venv); another one is named by make PY=..." >&2; exit 1; }
	@$(V)/python -c '' 2>/dev/null || { echo "Making .venv with $$($(PY) --version) ..."; rm -rf .venv; $(PY) -m venv .venv; } \
		|| { echo "Python cannot make .venv here; its message stands above." >&2; exit 1; }
	@echo "Installing the Python packages ..."
	@$(V)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.lock \
		|| { echo "The Python packages could not be had; is the package registry within reach?" >&2; exit 1; }
	@# pip is slower, but knows the registries and certificates of its own configuration.
	@$(UV) pip sync --require-hashes --python $(V)/python requirements/dev.lock 2>.venv/uv.log \
		|| $(V)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.lock \
		|| { echo "The Python packages could not be had; is the package registry within reach?" >&2; exit 1; }
	@touch $@

node_modules/.done: package-lock.json package.json .npmrc | .venv/.done
	@echo "Installing the stylesheets and scripts of the pages ..."
	@PATH="$(CURDIR)/$(V):$$PATH" NODE_OPTIONS=--use-system-ca $(V)/npm ci --silent --no-progress \
		|| { echo "The npm packages could not be had; is the npm registry within reach?" >&2; exit 1; }
	@touch $@

# uv's own lock names the registry for every file, so what is committed are these exports: names, versions and hashes.
lock: install ## Lock the newest allowed versions of all packages, with hashes and without host names
	@$(UV) lock --upgrade
	@$(EXPORT) --all-groups -o requirements/dev.lock >/dev/null
	@$(EXPORT) --no-dev -o requirements/production.lock >/dev/null
	@echo uv | $(UV) pip compile - --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		-o requirements/uv.lock >/dev/null
	@PATH="$(CURDIR)/$(V):$$PATH" NODE_OPTIONS=--use-system-ca $(V)/npm update --silent --package-lock-only
	@! grep -n '://' requirements/*.lock && ! grep -n '"resolved"' package-lock.json \
		|| { echo "A lock names a host." >&2; exit 1; }
