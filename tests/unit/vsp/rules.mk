# SPDX-License-Identifier: Apache-2.0
# Synthetic devices, each on a made-up bus (fake_bus.h).
VSP_TEST := tests/unit/vsp/fake_bus.c appliance/vmwp/state.c
VSP_SOURCES = $(addprefix appliance/vmwp/vsp/,vsp.c video.c video_screen.c video_cursor.c keyboard.c mouse.c ic.c services.c shutdown.c heartbeat.c \
	timesync.c kvp.c vss.c fcopy.c utf16.c balloon.c balloon_pages.c hvsock.c hvsock_stream.c)
$(call c-test,vsp_desktop,tests/unit/vsp/test_desktop.c $(VSP_TEST) $(VSP_SOURCES),,)
$(call c-test,vsp_services,tests/unit/vsp/test_services.c $(VSP_TEST) $(VSP_SOURCES),,)
$(call c-test,vsp_balloon,tests/unit/vsp/test_balloon.c $(VSP_TEST) $(VSP_SOURCES),,)
$(call c-test,vsp_hvsock,tests/unit/vsp/test_hvsock.c $(VSP_TEST) $(VSP_SOURCES),,)

$(call vmbus-test,vsp_machine,tests/unit/vsp/test_machine.c)
