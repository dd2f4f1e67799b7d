/* SPDX-License-Identifier: Apache-2.0 */
/* Narrows the process to what it does once it serves. */
#ifndef WEBAPI_SANDBOX_H
#define WEBAPI_SANDBOX_H

int sandbox_enter(
    void); /* all threads, for good; call when listening and every thread is running. 0 or negative errno */

#endif
