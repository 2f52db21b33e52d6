// SPDX-License-Identifier: GPL-2.0-only
/*
 * nestvm: options, and the order in which a VM comes to life.
 * No locks: everything here happens before the first thread.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "vmm.h"

#define DEFAULT_CMDLINE	"console=ttyS0 earlycon panic=-1"
#define DEFAULT_RAM	(512 * SZ_1M)
#define MIN_RAM		(8 * SZ_1M)
#define MAX_RAM		(1UL << 46)

static const char usage[] =
"Usage: nestvm -k KERNEL [options]\n"
"Boot an arm64 Linux kernel in a virtual machine.\n"
"\n"
"  -k, --kernel FILE    arm64 Image, plain or gzip, or the zImage of a 32-bit\n"
"                       kernel, which runs in AArch32 (required)\n"
"  -i, --initrd FILE    initial RAM disk\n"
"  -a, --append TEXT    added to the kernel's command line, which starts as\n"
"                       \"" DEFAULT_CMDLINE "\"\n"
"  -c, --cpus N         number of vCPUs (1)\n"
"  -m, --memory SIZE    guest memory with suffix K, M or G; without one, MiB (512M)\n"
"  -v, --vector-length BITS\n"
"                       longest SVE vectors of the vCPUs, 128 to 2048; 0: no SVE\n"
"                       (the longest that the host has)\n"
"      --sdei[=strict]  offer the guest software delegated exceptions (SDEI), its\n"
"                       NMI; strict: exactly as the firmware of real machines\n"
"      --pmu            the guest has a performance monitor\n"
"      --ptrauth        the guest has pointer authentication\n"
"      --acpi           ACPI instead of a device tree, with error records (GHES)\n"
"                       that SDEI announces\n"
"      --watchdog S[,report|,panic]\n"
"                       a vCPU that takes no timer interrupt for S seconds is\n"
"                       reported (and the guest logs it), or panics; means --acpi\n"
"      --control PATH   a socket that takes orders; send one, like 'nmi' or 'help':\n"
"                       nestvm --send PATH ORDER\n"
"      --stamp          say when the guest starts: ns on the machine's counter\n"
"  -n, --nested[=nvhe]  a guest in which KVM works: it gets an EL2 of its own; nvhe:\n"
"                       an old one, without the virtualization host extensions\n"
"  -b, --batch          leave the terminal alone and do not read standard input\n"
"  -h, --help           this text\n"
"\n"
"On a terminal: Ctrl-A x leaves, Ctrl-A n has a hung guest panic, Ctrl-A h helps.\n"
"Exit status: 0 guest powered off, 2 wrong use, 3 guest asked for a reset,\n"
"4 guest crashed, 5 VMM error.\n";

void die(enum vmm_status status, const char *fmt, ...)
{
	va_list ap;

	console_restore();
	fputs("nestvm: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(status);
}

void die_errno(const char *what)
{
	die(VMM_ERROR, "%s: %s", what, strerror(errno));
}

static uint64_t parse_size(const char *arg)
{
	unsigned int shift = 20;
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(arg, &end, 10);
	switch (*end) {
	case 'k':
	case 'K':
		shift = 10;
		end++;
		break;
	case 'm':
	case 'M':
		end++;
		break;
	case 'g':
	case 'G':
		shift = 30;
		end++;
		break;
	}
	if (*arg < '0' || *arg > '9' || *end || errno)
		die(VMM_USAGE, "memory size '%s' is not a number with suffix K, M or G", arg);
	if (n > MAX_RAM >> shift)
		die(VMM_USAGE, "memory size %s is too big; at most %luG", arg, MAX_RAM >> 30);
	n <<= shift;
	if (n < MIN_RAM)
		die(VMM_USAGE, "memory size %s is too small; at least %luM", arg, MIN_RAM >> 20);
	if (n % SZ_2M)
		die(VMM_USAGE, "memory size %s is not a multiple of 2M", arg);
	return n;
}

static unsigned int parse_cpus(const char *arg)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(arg, &end, 10);
	if (*arg < '0' || *arg > '9' || *end || errno)
		die(VMM_USAGE, "'%s' is not a number of vCPUs", arg);
	if (!n)
		die(VMM_USAGE, "0 vCPUs cannot run a guest; give at least -c 1");
	if (n > 100000)
		n = 100000;	/* vm_create() names the real limit */
	return n;
}

static int parse_vector_length(const char *arg)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(arg, &end, 10);
	if (*arg < '0' || *arg > '9' || *end || errno || n % 128 || n > 2048)
		die(VMM_USAGE, "vector length '%s' is not 0 or a multiple of 128 up to 2048", arg);
	return n;
}

/* S, S,report or S,panic */
static void parse_watchdog(struct vm *vm, const char *arg)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(arg, &end, 10);
	if (*arg < '0' || *arg > '9' || errno || !n || n > 3600 ||
	    (*end && strcmp(end, ",report") && strcmp(end, ",panic")))
		die(VMM_USAGE, "watchdog '%s' is not 1 to 3600 seconds, and ,report or ,panic", arg);
	vm->watchdog = n;
	vm->watchdog_panic = !strcmp(end, ",panic");
	vm->acpi = vm->sdei = true;
}

enum { OPT_SDEI = 256, OPT_TEST_DEVICE, OPT_ACPI, OPT_WATCHDOG, OPT_CONTROL, OPT_STAMP, OPT_PTRAUTH };

static const struct option options[] = {
	{ "sdei", optional_argument, NULL, OPT_SDEI },
	{ "acpi", no_argument, NULL, OPT_ACPI },
	{ "watchdog", required_argument, NULL, OPT_WATCHDOG },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "stamp", no_argument, NULL, OPT_STAMP },
	{ "test-device", no_argument, NULL, OPT_TEST_DEVICE },
	{ "kernel", required_argument, NULL, 'k' },
	{ "initrd", required_argument, NULL, 'i' },
	{ "append", required_argument, NULL, 'a' },
	{ "cpus", required_argument, NULL, 'c' },
	{ "memory", required_argument, NULL, 'm' },
	{ "vector-length", required_argument, NULL, 'v' },
	{ "pmu", no_argument, NULL, 'P' },
	{ "ptrauth", no_argument, NULL, OPT_PTRAUTH },
	{ "batch", no_argument, NULL, 'b' },
	{ "nested", optional_argument, NULL, 'n' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

/* Options that only switch something on. false: not one of them. */
static bool parse_switch(struct vm *vm, int c)
{
	switch (c) {
	case 'P':
		vm->pmu = true;
		break;
	case 'b':
		vm->batch = true;
		break;
	case OPT_ACPI:
		vm->acpi = vm->sdei = true;
		break;
	case OPT_STAMP:
		vm->stamp = true;
		break;
	case OPT_PTRAUTH:
		vm->ptrauth = true;
		break;
	case OPT_TEST_DEVICE:
		vm->test_device = true;
		break;
	default:
		return false;
	}
	return true;
}

static void parse_value(struct vm *vm, int c, const char *value)
{
	switch (c) {
	case 'k':
		vm->kernel = value;
		break;
	case 'i':
		vm->initrd = value;
		break;
	case 'a':
		vm->cmdline = value;
		break;
	case 'c':
		vm->nr_vcpus = parse_cpus(value);
		break;
	case 'm':
		vm->ram_size = parse_size(value);
		break;
	case 'v':
		vm->vector_bits = parse_vector_length(value);
		break;
	case 'n':
		if (value && strcmp(value, "nvhe"))
			die(VMM_USAGE, "--nested takes nothing or =nvhe, not '%s'", value);
		vm->nested = true;
		vm->nvhe = value;
		break;
	case OPT_SDEI:
		if (value && strcmp(value, "strict"))
			die(VMM_USAGE, "--sdei takes nothing or =strict, not '%s'", value);
		vm->sdei = true;
		vm->sdei_strict = value;
		break;
	case OPT_WATCHDOG:
		parse_watchdog(vm, value);
		break;
	case OPT_CONTROL:
		vm->control = value;
		break;
	}
}

static void parse_options(struct vm *vm, int argc, char **argv)
{
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":k:i:a:c:m:v:bnh", options, NULL)) != -1) {
		switch (c) {
		case 'h':
			fputs(usage, stdout);
			exit(VMM_OK);
		case ':':
			die(VMM_USAGE, "option '%s' needs a value; see nestvm --help", argv[optind - 1]);
		case '?':
			die(VMM_USAGE, "unknown option '%s'; see nestvm --help", argv[optind - 1]);
		default:
			if (!parse_switch(vm, c))
				parse_value(vm, c, optarg);
		}
	}
	if (optind < argc)
		die(VMM_USAGE, "unexpected argument '%s'; see nestvm --help", argv[optind]);
	if (!vm->kernel)
		die(VMM_USAGE, "no kernel given; use -k IMAGE (see nestvm --help)");
}

int main(int argc, char **argv)
{
	static struct vm vm = {
		.nr_vcpus = 1,
		.ram_size = DEFAULT_RAM,
		.vector_bits = -1,
	};
	static char cmdline[2048];	/* what an arm64 kernel takes */

	if (argc == 4 && !strcmp(argv[1], "--send"))
		return control_send(argv[2], argv[3]);
	parse_options(&vm, argc, argv);
	/* There is no EFI behind the tables that would run at the guest's wish. */
	if (snprintf(cmdline, sizeof(cmdline), "%s%s%s%s", DEFAULT_CMDLINE, vm.acpi ? " efi=noruntime" : "",
		     vm.cmdline ? " " : "", vm.cmdline ? vm.cmdline : "") >=
	    (int)sizeof(cmdline))
		die(VMM_USAGE, "kernel command line is longer than %zu bytes; shorten -a",
		    sizeof(cmdline) - 1);
	vm.cmdline = cmdline;

	loader_check(&vm);
	vm_create(&vm);
	memory_init(&vm);
	vm_create_vcpus(&vm);
	loader_load(&vm);
	serial_init();
	console_init(&vm);
	return vm_run(&vm);
}
