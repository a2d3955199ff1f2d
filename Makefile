# Everything a developer types. `make help` lists it; nothing needs to be installed before but Python 3.11 or later.

PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3.14 python3; do command -v $$name && break; done)
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input install --quiet --require-hashes
# A file named after the lock's own checksum says that this lock is installed; another lock is another name.
RUNTIME := $(VENV)/.installed-$(shell cksum < requirements.lock | tr -s ' \t' '--')
DEVELOPMENT := $(VENV)/.installed-dev-$(shell cksum < requirements-dev.lock | tr -s ' \t' '--')
# A database and a broker for one command, gone when it ends
THROWAWAY := $(PY) -m retailhub.embedded throwaway
LOCK := CUSTOM_COMPILE_COMMAND="make lock" $(PY) -m piptools compile --quiet $(UPGRADE) --generate-hashes --strip-extras \
	--allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options
CODE := retailhub inventory customers orders purchasing channels tests manage.py
# labels of the apps whose migrations are ours to judge
APPS := core outbox accounting inventory customers orders purchasing channels home
ARGS ?=
# `make lock UPGRADE=` takes in a new dependency and leaves the others as they are
UPGRADE ?= --upgrade

.DEFAULT_GOAL := help
.PHONY: help run demo-reset test races bench soak check lint types arch migrations api deploy lock

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  PORT=8080 DATA_DIR=/somewhere DEMO=0 make run    see docs/operating.md for these and more"
	@echo "  make test ARGS='tests/inventory -k reserve'      ARGS goes to pytest"

run: $(RUNTIME) ## Start retailhub with all it needs; Ctrl-C ends it
	@exec $(PY) -m retailhub.embedded run

demo-reset: $(RUNTIME) ## Throw the demo's data away; the next `make run` fills it in anew
	@$(PY) -m retailhub.embedded reset

test: $(DEVELOPMENT) ## Run the tests, on a PostgreSQL and a Redis of their own
	$(PY) -m pytest -n 2 -m "not soak" $(ARGS)

races: $(DEVELOPMENT) ## Run only the tests that race several connections against each other
	$(PY) -m pytest -m race $(ARGS)

soak: $(DEVELOPMENT) ## Run the long tests
	$(PY) -m pytest -m soak $(ARGS)

bench: $(DEVELOPMENT) ## Measure order intake against raw SQL, on durable servers of its own
	$(PY) -m bench $(ARGS)

check: lint types arch migrations api deploy ## Everything CI asks besides the tests

lint: $(DEVELOPMENT) ## Style and likely mistakes
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: $(DEVELOPMENT) ## Types, strictly
	$(PY) -m mypy $(CODE)

arch: $(DEVELOPMENT) ## Who may import whom
	$(VENV)/bin/lint-imports

migrations: $(DEVELOPMENT) ## No change of a model without a migration, no migration that locks a busy table
	$(THROWAWAY) $(PY) manage.py makemigrations --check --dry-run
	$(THROWAWAY) $(PY) manage.py lintmigrations --no-cache --quiet ok ignore --include-apps $(APPS)

api: $(DEVELOPMENT) ## docs/openapi.yaml says what the API does
	@mkdir -p build
	$(THROWAWAY) $(PY) manage.py spectacular --fail-on-warn --file build/openapi.yaml
	diff -u docs/openapi.yaml build/openapi.yaml

deploy: $(RUNTIME) ## The settings are fit for the public internet when told to be
	HTTPS=1 DEBUG=0 DEMO=0 ALLOWED_HOSTS=shop.example.com $(PY) manage.py check --deploy --fail-level WARNING

lock: $(DEVELOPMENT) ## Resolve the dependencies anew into the two lock files
	$(LOCK) --output-file requirements.lock pyproject.toml
	$(LOCK) --extra dev --output-file requirements-dev.lock pyproject.toml

$(PY):
	@test -n "$(PYTHON)" || { echo "retailhub needs Python 3.11 or later; none was found. PYTHON=/path/to/python make run"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "retailhub needs Python 3.11 or later; $(PYTHON) is older. PYTHON=/path/to/python make run"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "$(PYTHON) cannot make environments; on Debian and Ubuntu install python3-venv."; exit 1; }

$(RUNTIME): | $(PY)
	@echo "Installing the packages of requirements.lock into $(VENV) (once)"
	@$(PIP) -r requirements.lock
	@rm -f $(VENV)/.installed-[0-9]* && touch $@

$(DEVELOPMENT): | $(RUNTIME)
	@echo "Installing the packages of requirements-dev.lock into $(VENV) (once)"
	@$(PIP) -r requirements-dev.lock
	@rm -f $(VENV)/.installed-dev-* && touch $@
