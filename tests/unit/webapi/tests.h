/* SPDX-License-Identifier: Apache-2.0 */
/* What the unit tests of webapi share: the groups that main.c runs, and a clock that a test sets. */
#ifndef TESTS_UNIT_WEBAPI_TESTS_H
#define TESTS_UNIT_WEBAPI_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

int test_head_group(void);
int test_request_group(void);
int test_range_group(void);
int test_selection_group(void);
int test_route_group(void);
int test_body_group(void);
int test_field_group(void);
int test_sessions_group(void);
int test_users_group(void);
int test_login_limit_group(void);
int test_idempotency_group(void);
int test_screen_group(void);
int test_gate_group(void);
int test_audit_group(void);
int test_static_group(void);

extern time_t test_clock;
time_t test_now(time_t *unused);
int test_directory(void);	/* a descriptor of a new empty folder, removed at exit */

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#endif
