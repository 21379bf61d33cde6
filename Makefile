# `make demo` and `make test` are the whole set-up: each finds a Python, makes .venv once, and goes.
# PYTHON=/path/to/python3 chooses the Python; ARGS="..." is handed on to demo, test, bench, crash, soak and certify.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check bench results crash soak certify lock runtime development

bin := .venv/bin

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' Makefile

demo: runtime ## replay half a year of real reports: forecasts, alerts that ring, a report
	@$(bin)/tocsin demo $(ARGS)

# A file's costly fixtures (a compiled model, a PostgreSQL server) are made once: loadfile.
# Compiled Python is kept, whatever the environment says: every process would compile it anew. And
# one thread for linear algebra, as our own commands have it: there are more workers than processors.
test: development ## run the tests
	@PYTHONDONTWRITEBYTECODE= OPENBLAS_NUM_THREADS=1 $(bin)/pytest -n auto --dist loadfile $(ARGS)

check: development ## lint, format, types, architecture
	@$(bin)/ruff check .
	@$(bin)/ruff format --check .
	@$(bin)/mypy
	@$(bin)/lint-imports

bench: development ## measure the budgets; the last line is JSON
	@$(bin)/python -P benchmarks/run.py $(ARGS)

results: development ## what the defaults score on real data, as docs/results.md has it
	@$(bin)/python -P -m benchmarks.results

crash: development ## kill workers at random under load, and count what was lost; the last line is JSON
	@$(bin)/python -P benchmarks/crash/run.py $(ARGS)

soak: development ## feed ten thousand questions for ten minutes, and kill it; the last line is JSON
	@$(bin)/python -P benchmarks/soak/run.py $(ARGS)

certify: development ## certify every family of models on a thousand simulated worlds
	@$(bin)/tocsin models certify $(ARGS)

lock: ## pin the dependencies again (UPGRADE=1: all to their newest)
	@sh .ci/lock $(if $(UPGRADE),--upgrade)

runtime:
	@sh .ci/environment requirements.lock

development:
	@sh .ci/environment requirements-dev.lock
