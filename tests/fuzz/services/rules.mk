# SPDX-License-Identifier: Apache-2.0
# What comes over sockets to the services: HTTP and its texts, certificates, messages between processes, viewers, workers.
$(foreach t,http_request http_ranges http_body list_selection certificate,$(call fuzz-target,$(t),tests/fuzz/services/$(t).c $(WEBAPI_SOURCES),$(WEBAPI_PKGS),$(WEBAPI_FLAGS),3000))
$(foreach t,ipc_server ipc_client,$(call fuzz-target,$(t),tests/fuzz/services/$(t).c $(wildcard appliance/lib/*.c),jansson libsystemd,,5000))
$(call fuzz-target,rfb,tests/fuzz/services/rfb.c $(CONSOLE_RFB),libjpeg zlib,-Iconsole,2000)
$(call fuzz-target,display_link,tests/fuzz/services/display_link.c console/display_link.c,,-Iconsole,5000)
