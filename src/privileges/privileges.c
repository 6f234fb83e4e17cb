/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The phases, and what is left after each. */
#include "privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capabilities.h"
#include "capability_sets.h"
#include "identity.h"
#include "log.h"
#include "syscall_filter.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0 /* LeakSanitizer stops all threads by ptrace(2): no filter then */
#endif

#define BPF_ALONE (CAPABILITY(CAP_BPF) | CAPABILITY(CAP_PERFMON))
#define FILES     (CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_DAC_READ_SEARCH))
#define CHANGE    (CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETGID) | CAPABILITY(CAP_SETPCAP))

static struct {
	bool begun;
	bool filtered;
	bool limited;             /* root without its right to pass over permissions */
	bool screen;              /* terminals' modes are changed */
	bool files_kept;          /* --user root asks for it */
	bool no_bpf;              /* bpf(2) is filtered out */
	unsigned int needs;       /* as settled */
	__u64 kept;               /* permitted to the thread that goes through the phases */
	char user[IDENTITY_NAME]; /* that was become; "": none */
	char advice[256];
	enum log_level news; /* of what the log says once it is open: it stays root, .. */
	char why[64];        /* .. because of this */
} self;

/* ---- sets ---- */

/* Older container engines know CAP_SYS_ADMIN alone, which is worth both. */
static __u64 capabilities_for(unsigned int needs)
{
	__u64 set = 0;

	if (needs & NEED_BPF) {
		set |= BPF_ALONE | CAPABILITY(CAP_NET_ADMIN);
		if ((self.kept & BPF_ALONE) != BPF_ALONE)
			set |= CAPABILITY(CAP_SYS_ADMIN);
	}
	if (needs & NEED_PACKETS)
		set |= CAPABILITY(CAP_NET_RAW);
	if (needs & NEED_MEMORY)
		set |= CAPABILITY(CAP_SYS_RESOURCE);
	if (needs & NEED_OTHERS)
		set |= CAPABILITY(CAP_SYS_PTRACE);
	return set;
}

void privileges_tell(const char *phase)
{
	char text[CAPABILITIES_TEXT];

	log_debug("privileges, %s: user %u, group %u, capabilities %s%s", phase, geteuid(),
		  getegid(), capabilities_text(self.kept, text),
		  !self.filtered ? ""
		  : self.no_bpf  ? "; system calls filtered, without bpf(2)"
				 : "; system calls filtered");
}

static void keep(__u64 permitted, __u64 effective)
{
	int err = capabilities_keep(permitted, effective);

	if (err)
		log_warning("capabilities cannot be given up: %s", strerror(-err));
	else
		self.kept &= permitted;
}

static void filter(enum syscall_filter which)
{
	int err = SANITIZED ? -ENOTSUP : syscall_filter_load(which);

	if (err) {
		log_debug("system calls are not filtered here: %s", strerror(-err));
		return;
	}
	self.filtered = true;
	self.no_bpf |= which == FILTER_NO_BPF;
}

/* ---- phases ---- */

void privileges_start(void)
{
	const unsigned int all = NEED_BPF | NEED_PACKETS | NEED_MEMORY | NEED_OTHERS;
	int err = self.begun ? 0 : capabilities_read(&self.kept);
	__u64 set = capabilities_for(all) | FILES | CHANGE;

	if (err) {
		log_warning("capabilities cannot be read: %s", strerror(-err));
		return;
	}
	if (!self.begun)
		capability_sets_remember();
	self.begun = true;
	keep(set, set);
}

void privileges_asking(void)
{
	capabilities_keep(~0ULL, ~0ULL);
}

/* It was asked for, or it is only what we would like. */
static int no_user(const struct privileges_terms *terms, const char *why)
{
	if (terms->user) {
		log_critical("cannot become user %s: %s", terms->user, why);
		return -EPERM;
	}
	self.limited = true;
	self.news = terms->watched ? LEVEL_DEBUG : LEVEL_INFO;
	snprintf(self.why, sizeof(self.why), "%s", why);
	return 0;
}

static int become(const struct privileges_terms *terms)
{
	const char *name = terms->user ? terms->user : PRIVILEGES_USER;
	struct identity identity;
	int err = identity_find(&identity, name);

	if (err)
		return no_user(terms, err == -ENOENT ? "there is no such user" : strerror(-err));
	if (identity.uid == geteuid()) {
		self.files_kept = identity.uid == 0;
		return 0;
	}
	err = geteuid() ? -EPERM : identity_become(&identity);
	if (err)
		return no_user(terms, strerror(-err));
	snprintf(self.user, sizeof(self.user), "%s", identity.name);
	return 0;
}

/* no_new_privs is for where system calls cannot be filtered. */
static int leave_root(const struct privileges_terms *terms)
{
	capabilities_empty_bounding_set();
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return geteuid() && !terms->user ? 0 : become(terms);
}

/* Processes of others are there for all to see, as a rule. With the capabilities in effect:
 * access(2) would ask with those of root. */
static bool others_are_hidden(void)
{
	return faccessat(AT_FDCWD, "/proc/1/cgroup", R_OK, AT_EACCESS) != 0;
}

int privileges_settle(const struct privileges_terms *terms)
{
	__u64 later = terms->needs ? FILES : FILES | CHANGE, set;
	int err;

	if (!self.begun)
		return 0;
	err = leave_root(terms);
	if (err)
		return err;
	self.needs = terms->needs;
	self.screen = terms->screen;
	set = capabilities_for(terms->needs & ~NEED_OTHERS);
	capabilities_keep(self.kept, set);
	if ((terms->needs & NEED_OTHERS) && others_are_hidden())
		set |= capabilities_for(NEED_OTHERS);
	/* Root opens its own files without them, but nobody else's. */
	keep(set | later, self.files_kept ? set | FILES : set);
	return 0;
}

static void tell_root(void)
{
	if (self.limited)
		log_message(self.news,
			    "going on as root, with few of its rights: cannot become user %s: %s",
			    PRIVILEGES_USER, self.why);
}

void privileges_seal(void)
{
	__u64 set = self.kept & ~(self.files_kept ? CHANGE : FILES | CHANGE);

	if (!self.begun)
		return;
	keep(set, set);
	tell_root();
	filter(self.screen ? FILTER_SCREEN : FILTER_DAEMON);
	privileges_tell("ready to measure");
}

void privileges_keep(const char *phase, unsigned int needs)
{
	__u64 set = capabilities_for(needs) | CAPABILITY(CAP_SYS_PTRACE);

	if (!self.begun)
		return;
	if (self.files_kept)
		set |= FILES;
	keep(set, set);
	if (!(needs & NEED_BPF) && self.filtered && !self.no_bpf)
		filter(FILTER_NO_BPF);
	privileges_tell(phase);
}

bool privileges_cover(unsigned int needs)
{
	return !self.begun || !(needs & ~self.needs);
}

void privileges_reading(void)
{
	if (self.begun)
		capabilities_keep(self.kept, self.kept);
}

/* With nothing to be opened any more, root needs no name. */
void privileges_offline(void)
{
	struct identity nobody;

	if (!self.begun)
		return;
	identity_nobody(&nobody);
	if (self.limited)
		identity_become(&nobody); /* where it cannot, it stays root without its rights */
	keep(0, 0);
	tell_root();
}

void privileges_offline_seal(bool looks_up, bool screen)
{
	if (!self.begun)
		return;
	if (looks_up)
		filter(screen ? FILTER_SCREEN : FILTER_DAEMON);
	else
		filter(screen ? FILTER_OFFLINE_SCREEN : FILTER_OFFLINE);
	if (looks_up)
		filter(FILTER_NO_BPF);
	privileges_tell("before the first byte is read");
}

void privileges_checking(void)
{
	if (!self.begun)
		return;
	capabilities_empty_bounding_set();
	keep(FILES, FILES);
	filter(FILTER_DAEMON);
	filter(FILTER_NO_BPF);
	privileges_tell("to check a configuration");
}

void privileges_shed_thread(unsigned int needs)
{
	__u64 set = capabilities_for(needs);

	if (self.begun)
		capabilities_keep(set, set);
}

/* ---- files ---- */

/* Where there is neither, the directory above it was asked. */
static bool may_write(const char *directory)
{
	struct stat there;

	if (stat(directory, &there))
		return false;
	return there.st_uid == geteuid() || /* who owns it can make it so */
	       faccessat(AT_FDCWD, directory, W_OK, AT_EACCESS) == 0;
}

/* In a sticky directory only what is the user's own, or not there yet. */
static bool may_replace(const char *directory, const char *entry)
{
	struct stat above, there;

	if (!may_write(directory))
		return false;
	if (stat(directory, &above) || !(above.st_mode & S_ISVTX) || above.st_uid == geteuid())
		return true;
	return lstat(entry, &there) || there.st_uid == geteuid();
}

/* Who may write to one of the directories can put a link there that leads anywhere. */
static bool may_decide_on_way(const char *path)
{
	char directory[PATH_MAX], entry[PATH_MAX];
	const char *slash = strchr(path, '/');

	if (*path != '/' && may_write("."))
		return true;
	for (; slash; slash = strchr(slash + 1, '/')) {
		const char *next = strchr(slash + 1, '/');

		snprintf(directory, sizeof(directory), "%.*s", (int)(slash - path) + 1, path);
		if (!next)
			return may_write(directory);
		snprintf(entry, sizeof(entry), "%.*s", (int)(next - path), path);
		if (may_replace(directory, entry))
			return true;
	}
	return false;
}

/* .. also to one that a link of root's on the way leads to. Of root, where it stays that, the way
 * is its own. */
static bool may_decide(const char *path)
{
	char directory[PATH_MAX], resolved[PATH_MAX + 2];
	const char *slash = strrchr(path, '/');

	if (strlen(path) >= PATH_MAX)
		return true;
	snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - path) + 1 : 1,
		 slash ? path : ".");
	if (!geteuid())
		return faccessat(AT_FDCWD, directory, W_OK, AT_EACCESS) == 0;
	if (may_decide_on_way(path))
		return true;
	return realpath(directory, resolved) && may_decide_on_way(strcat(resolved, "/"));
}

bool privileges_lend(const char *path)
{
	if (!self.begun || !(self.kept & FILES) || may_decide(path))
		return false;
	return capabilities_keep(self.kept, self.kept) == 0;
}

void privileges_return(void)
{
	capabilities_keep(self.kept, self.kept & ~FILES);
}

const char *privileges_advice(int err)
{
	if ((err != -EACCES && err != -EPERM) || (!self.user[0] && !self.limited))
		return "";
	if (self.user[0])
		snprintf(self.advice, sizeof(self.advice),
			 "; bpf-metro runs as user %s now: let that user have it, or start it "
			 "with --user root",
			 self.user);
	else
		snprintf(self.advice, sizeof(self.advice),
			 "; bpf-metro has given up root's right to files of others: start it with "
			 "--user root");
	return self.advice;
}
