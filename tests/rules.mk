# SPDX-License-Identifier: Apache-2.0
include $(wildcard tests/unit/*/rules.mk tests/services/rules.mk tests/guest/rules.mk)
