/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The answer to --version. Its first line is for scripts and stays as it is. The libraries say
 * themselves which they are, since a distribution may have replaced them after the build; libelf,
 * which only libbpf uses, cannot tell. */
#include "version.h"

/* Its instructions have the name of those that libbpf brings. */
#define PCAP_DONT_INCLUDE_PCAP_BPF_H
#include <bpf/libbpf.h>
#include <pcap/pcap.h>
#include <seccomp.h>
#include <string.h>
#include <yaml.h>
#include <zlib.h>

#include "flow.h"

#ifndef METRO_VERSION
#define METRO_VERSION "unknown"
#endif
#ifndef METRO_BPF_CPU
#define METRO_BPF_CPU "unknown"
#endif

/* The number alone, of "v1.5" or "libpcap version 1.10.3 (with TPACKET_V3)". *length is its own. */
static const char *number_in(const char *text, int *length)
{
	const char *number = text + strcspn(text, "0123456789");

	*length = (int)strcspn(number, " ,");
	return number;
}

static void print_library(FILE *out, const char *name, const char *version, const char *after)
{
	int length;

	version = number_in(version, &length);
	fprintf(out, "%s %.*s%s", name, length, version, after);
}

void version_print(FILE *out)
{
	const struct scmp_version *seccomp = seccomp_version();

	fputs("bpf-metro " METRO_VERSION "\nlibraries: ", out);
	print_library(out, "libbpf", libbpf_version_string(), ", ");
	print_library(out, "libpcap", pcap_lib_version(), ",\n           ");
	fprintf(out, "libseccomp %u.%u.%u, ", seccomp->major, seccomp->minor, seccomp->micro);
	print_library(out, "libyaml", yaml_get_version_string(), ", ");
	print_library(out, "zlib", zlibVersion(), "\n");
	fputs("backends: bpf at TCX (Linux 6.6), clsact or XDP; pcap live and from files\n", out);
	/* The ring buffer is what came last of all that the programs cannot do without. */
	fputs("BPF programs: Linux 5.8 or newer, instruction set " METRO_BPF_CPU
	      ", kernel BTF not needed\n",
	      out);
	fprintf(out, "segments remembered for a connection: %d to %d, %d if not told\n", MARKS_MIN,
		MARKS_MAX_BPF, MARKS_DEFAULT);
}
