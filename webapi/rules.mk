# SPDX-License-Identifier: Apache-2.0
WEBAPI_OPENAPI := $(B)/gen/webapi/openapi.c
WEBAPI_LIB := $(addprefix appliance/lib/,file.c guid.c ipc_async.c ipc_client.c ipc_wire.c log.c)
WEBAPI_SOURCES := $(filter-out webapi/main.c,$(wildcard webapi/*.c webapi/*/*.c)) $(WEBAPI_LIB) $(WEBAPI_OPENAPI)
WEBAPI_PKGS := libmicrohttpd libwebsockets mbedtls mbedx509 mbedcrypto jansson libsystemd libpng libseccomp
WEBAPI_FLAGS := -Iwebapi -pthread -lcrypt

$(WEBAPI_OPENAPI): webapi/openapi.yaml webapi/openapi-to-c.py
	@mkdir -p $(@D)
	webapi/openapi-to-c.py $< >$@.$$$$ && mv $@.$$$$ $@

$(call c-program,webapi,webapi/main.c $(WEBAPI_SOURCES),$(WEBAPI_PKGS),$(WEBAPI_FLAGS))
