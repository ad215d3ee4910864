# Rollcall: the commands of every day. Each says what it does while it does it.
#
#   make run     builds everything and starts a living demo company on this machine
#   make check   formatting, lints, unit and simulated tests: before every commit
#   make test    everything, real phones and a real browser included
#   make bench   what rooms of 50 to 400 members cost, and others
#   make fuzz    what strangers may send, for hours if one likes
#
# Variables: HTTP=127.0.0.1:8080 SIP=127.0.0.1:5060 TRUNK=127.0.0.1:5070 DATA=data/demo
# say where `make run` serves and keeps its database; MEMBERS="50 100" what `make bench` tries.

HTTP ?= 127.0.0.1:8080
SIP ?= 127.0.0.1:5060
TRUNK ?= 127.0.0.1:5070
DATA ?= data/demo
MEMBERS ?= 50 100 200 400
export HTTP SIP TRUNK DATA MEMBERS

.DEFAULT_GOAL := help
.PHONY: help run check test bench fuzz sounds frontend build clean-demo

help: ## Lists these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: ## Builds what changed and serves the demo company; Ctrl-C ends it
	@scripts/run

check: ## Formatting, lints, unit and simulated tests
	@scripts/test format lint unit

test: ## Sets up what tests need and runs everything
	@scripts/test

bench: ## Prints the load table of a room
	@scripts/bench

fuzz: ## Looks for bytes that break what reads the wire, a minute for each target; needs a nightly compiler
	@scripts/fuzz

sounds: ## Renders the spoken prompts and tones
	@scripts/need speech
	@cargo run --quiet -p xtask -- sounds

frontend: ## Builds the board for the browser, as it is embedded
	@scripts/need build frontend
	@cargo run --quiet -p xtask -- frontend --release

build: sounds frontend ## Builds the one binary, target/release/rollcall
	@cargo build --release -p rollcall

clean-demo: ## Forgets the demo company's database
	rm -rf $(DATA)
