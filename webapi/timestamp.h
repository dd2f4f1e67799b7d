/* SPDX-License-Identifier: Apache-2.0 */
/* Times as the contract writes them: RFC 3339, UTC, whole seconds. */
#ifndef WEBAPI_TIMESTAMP_H
#define WEBAPI_TIMESTAMP_H

#define TIMESTAMP_SIZE	24

void timestamp_now(char text[TIMESTAMP_SIZE]);

#endif
