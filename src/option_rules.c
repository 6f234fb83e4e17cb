/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A list of combinations that make no sense, and what to do instead. */
#include "option_rules.h"

#include "array.h"

#include <string.h>

const char *option_rules_broken(const struct options *o)
{
	const struct {
		bool broken;
		const char *message;
	} rules[] = {
		{o->read_path && o->interface, "-r and -i cannot be combined"},
		{o->read_path && o->peers_count,
		 "-r takes no PEER; to choose senders, use --local ADDR"},
		{o->read_path && o->hook != HOOK_AUTO,
		 "--hook is for live traffic; leave it out with -r"},
		{o->read_path && o->backend == BACKEND_BPF,
		 "-r reads with libpcap; leave --backend bpf out"},
		{o->read_path && o->output == OUTPUT_STATSD,
		 "-r has text, json, summary, html and top; leave --output statsd out"},
		{!o->read_path && o->output == OUTPUT_HTML, "--output html needs -r FILE"},
		{o->output == OUTPUT_TOP && !o->interface && !o->read_path && !o->top,
		 "--output top goes with -i IFACE PEER... or -r FILE"},
		{o->output == OUTPUT_TOP && o->read_path && !strcmp(o->read_path, "-"),
		 "--output top takes keys from standard input; give -r a file or a named pipe"},
		{o->read_path && o->check, "--check is for a configuration; leave -r out"},
		{o->reload_pid && (o->read_path || o->interface || o->check),
		 "--reload is for a bpf-metro with a configuration; leave -i, -r and --check out"},
		{!!o->reload_pid + o->health + o->top + o->probe > 1,
		 "of --health, --top, --probe and --reload, one at a time"},
		{o->user && (o->reload_pid || o->health || o->top || o->probe),
		 "--user is for measuring; leave it out with --health, --top, --probe and "
		 "--reload"},
		{o->read_path && o->interval_s > 0, "-r reports once; leave --interval out"},
		{o->delayed && (o->read_path || o->health || o->probe || o->reload_pid),
		 "--delay is for measuring live traffic; leave it out with -r, --health, --probe "
		 "and "
		 "--reload"},
		{o->delayed && o->output != OUTPUT_TEXT && o->output != OUTPUT_JSON,
		 "--delay goes with --output text or json, which print each sample"},
		{!o->read_path && o->local_count, "--local needs -r FILE"},
		{o->directed && !o->read_path && !o->interface,
		 "-Q goes with -i IFACE or -r FILE; a configuration has direction: in an instance"},
		{o->directed && o->local_count, "-Q and --local cannot be combined"},
		{!o->read_path && !o->interface && o->ports.count,
		 "--port goes with -i IFACE or -r FILE; a configuration has ports: in an instance"},
		{!o->interface && o->peers_count, "a PEER needs -i IFACE before it"},
		{o->probe && (o->read_path || o->check || o->config_path || o->filter),
		 "--probe asks the host: beside it, only -i, --hook and --marks make sense"},
		{o->probe && o->peers_count, "--probe takes no PEER"},
		{o->interface && !o->peers_count && !o->probe,
		 "-i needs a PEER: an address, a network or a "
		 "name; 0.0.0.0/0 means every IPv4 address"},
		{o->interface && o->config_path,
		 "-i and -c cannot be combined: with -i, no configuration is read"},
		{o->filter && o->backend == BACKEND_BPF,
		 "--filter needs libpcap; leave --backend bpf out"},
		{o->filter && o->hook != HOOK_AUTO, "--filter needs libpcap; leave --hook out"},
		{o->soften && o->output != OUTPUT_STATSD, "--soften works with StatsD output only"},
		{o->backend == BACKEND_PCAP && o->hook != HOOK_AUTO,
		 "--hook is for BPF; leave it out with --backend pcap"},
		{o->health && (o->read_path || o->interface || o->peers_count || o->check),
		 "--health asks a daemon that runs; leave -i, -r, --check and PEERs out"},
		{o->health && (o->output == OUTPUT_STATSD || o->output == OUTPUT_SUMMARY),
		 "--health prints text or json; leave other outputs out"},
		{o->top && (o->read_path || o->interface || o->peers_count || o->check),
		 "--top shows what a daemon measures; leave -i, -r, --check and PEERs out"},
		{o->top && o->output_given, "--top has an output of its own; leave --output out"},
		{o->control_path && !o->health && !o->top,
		 "--control goes with --health or --top; a daemon has control_socket in its "
		 "configuration"},
		{o->control_path && o->config_path,
		 "--control and -c cannot be combined: the configuration says where the socket is"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].broken)
			return rules[i].message;
	return NULL;
}
