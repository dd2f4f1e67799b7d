/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per event on standard error, with the syslog level that systemd's journal reads from "<N>". Log once, where the
 * operation has a name; text of clients and guests is made printable here.
 */
#ifndef PARTITA_LOG_H
#define PARTITA_LOG_H

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };	/* RFC 5424, 6.2.1 */

void log_threshold(enum log_level most_verbose);	/* info unless set */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)		log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...)	log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)		log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)		log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
