/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key made here and the request to certify it (PKCS #10, RFC 2986), kept as one file of the state folder until the certificate
 * comes: request.pem. The key leaves this machine only as part of uploaded.pem, which is not given out either.
 */
#ifndef WEBAPI_TLS_SIGNING_REQUEST_H
#define WEBAPI_TLS_SIGNING_REQUEST_H

#include "tls/names.h"

struct signing_request { char *key, *pem; };		/* PEM; owned */

/* In the place of an earlier one. `names` has one at least. 0 or negative errno. */
int signing_request_make(int dir_fd, struct names *names, struct signing_request *out);
int signing_request_load(int dir_fd, struct signing_request *out);	/* -ENOENT: there is none */
int signing_request_drop(int dir_fd);
void signing_request_clear(struct signing_request *r);	/* wipes the key; accepts a zeroed one */

#endif
