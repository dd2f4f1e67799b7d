/* SPDX-License-Identifier: Apache-2.0 */
/* npt.c gives gpa_space.h its format; this is what the back end itself calls. */
#ifndef HV_SVM_NPT_H
#define HV_SVM_NPT_H

void npt_init(void);		/* once, before the first gpa_space_map() */

#endif
