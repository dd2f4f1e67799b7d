# SPDX-License-Identifier: Apache-2.0
# build/ui: the browser ui as static files (hashed names, .gz beside them), as webapi serves it.
# The same path whatever $(B) is, because ui/tsconfig.json names it.
UI_API := build/ui-api/schema.d.ts
UI_SOURCES := $(shell find ui/src -type f) ui/index.html ui/vite.config.ts ui/tsconfig.json ui/package.json

.PHONY: ui
ui: $(B)/ui/index.html	## the browser ui
all: ui

ui/node_modules/.package-lock.json: ui/package-lock.json ui/.npmrc
	cd ui && npm ci --no-progress
	touch $@

$(UI_API): webapi/openapi.yaml ui/node_modules/.package-lock.json
	cd ui && node_modules/.bin/openapi-typescript ../webapi/openapi.yaml --default-non-nullable=false -o $(abspath $@)

$(B)/ui/index.html: $(UI_SOURCES) $(UI_API) ui/node_modules/.package-lock.json
	cd ui && node_modules/.bin/tsc --noEmit && UI_OUT=$(abspath $(B)/ui) node_modules/.bin/vite build --logLevel warn
