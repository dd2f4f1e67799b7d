/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a process ended that is not our child (a worker that outlived an earlier vmpriv): Linux 6.15 keeps it with the pidfd.
 * A file of its own because <linux/pidfd.h> and <fcntl.h> define the same structures.
 */
#include "vmpriv.h"

#include <linux/pidfd.h>
#include <sys/ioctl.h>

int pidfd_exit_status(int pidfd)
{
	struct pidfd_info info = { .mask = PIDFD_INFO_EXIT };

	return ioctl(pidfd, PIDFD_GET_INFO, &info) == 0 && (info.mask & PIDFD_INFO_EXIT) ? info.exit_code
	                                                                                 : -1;
}
