# SPDX-License-Identifier: Apache-2.0
include $(wildcard tests/*/rules.mk tests/unit/*/rules.mk)
