/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that writes a time as text. */
#include "timestamp.h"

#include <time.h>

void timestamp_now(char text[TIMESTAMP_SIZE])
{
	time_t now = time(NULL);
	struct tm tm;

	strftime(text, TIMESTAMP_SIZE, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
}
