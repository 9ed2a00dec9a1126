/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COMMON_CRASH_H
#define COMMON_CRASH_H

/*
 * crash_point - for the crash tests: the process kills itself (SIGKILL) here
 * if the environment has DISCFS_CRASH=@name.  HACKING lists the points.
 */
void crash_point(const char *name);

#endif
