# SPDX-License-Identifier: Apache-2.0
$(call vmbus-test,vmbus_server,tests/unit/vmbus/test_server.c tests/unit/vmbus/echo.c)
$(call vmbus-test,vmbus_packets,tests/unit/vmbus/test_packets.c tests/unit/vmbus/echo.c)
$(call vmbus-test,vmbus_record,tests/unit/vmbus/test_record.c tests/unit/vmbus/echo.c)
$(call vmbus-test,vmbus_hypercall,tests/unit/vmbus/test_hypercall.c tests/unit/vmbus/echo.c)
$(call c-test,vmwp_state,tests/unit/vmbus/test_state.c appliance/vmwp/state.c)
