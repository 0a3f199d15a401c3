/*
 * A process whose anonymous memory is the one that is looked at. Everything else that it has is locked, so that
 * only these pages are ever swapped.
 */
#define _GNU_SOURCE
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define HUGE (2UL << 20)

static unsigned char *region;
static size_t pages;
static int pagemap, kpageflags, inflight;
static int own_cpu;
unsigned *gate;
static pid_t child;

/* ---- contents: the patterns of specs/traces/README.md ---- */

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = (*state += 0x9E3779B97F4A7C15ULL);

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
	return z ^ (z >> 31);
}

static void fill_text(unsigned char *page, uint64_t state)
{
	static const char *const words[16] = {
		"swap", "page", "node", "entry", "folio", "queue", "batch", "store",
		"load", "tree", "slot", "cgroup", "worker", "device", "zone", "list",
	};
	size_t at = 0;

	while (at < PAGE) {
		for (const char *from = words[splitmix64(&state) & 15]; *from && at < PAGE; from++)
			page[at++] = *from;
		if (at < PAGE)
			page[at++] = ' ';
	}
}

static int fill(unsigned char *page, const char *kind, uint64_t seed, size_t length)
{
	uint64_t state = seed, *words = (uint64_t *)page;
	size_t random_words = !strcmp(kind, "rand") ? PAGE / 8 : length / 8;

	if (!strcmp(kind, "zero")) {
		memset(page, 0, PAGE);
	} else if (!strcmp(kind, "same") || !strcmp(kind, "nsame")) {
		uint64_t value = splitmix64(&state);

		for (size_t i = 0; i < PAGE / 8; i++)
			words[i] = value;
		if (kind[0] == 'n')
			words[PAGE / 8 - 1] ^= 1;
	} else if (!strcmp(kind, "rand") || !strcmp(kind, "mix")) {
		for (size_t i = 0; i < PAGE / 8; i++)
			words[i] = i < random_words ? splitmix64(&state) : 0;
	} else if (!strcmp(kind, "text")) {
		fill_text(page, state);
	} else {
		return EINVAL;
	}
	return 0;
}

static uint32_t crc32(const unsigned char *bytes, size_t length)
{
	static uint32_t table[256];
	uint32_t crc = ~0U;

	for (uint32_t i = 0; !table[255] && i < 256; i++) {
		uint32_t entry = i;

		for (int bit = 0; bit < 8; bit++)
			entry = entry & 1 ? 0xEDB88320U ^ (entry >> 1) : entry >> 1;
		table[i] = entry;
	}
	while (length--)
		crc = table[(crc ^ *bytes++) & 255] ^ (crc >> 8);
	return ~crc;
}

/* ---- states ---- */

static long node_of(pid_t process, void *address)
{
	void *addresses[1] = { address };
	int status = -1;

	if (syscall(SYS_move_pages, process, 1UL, addresses, NULL, &status, 0) < 0)
		return -errno;
	return status;
}

static void flag(struct text *out, const char *name, int set)
{
	if (set)
		add(out, ",\"%s\":1", name);
}

/*
 * One page as its page table entry, mincore and /proc/kpageflags show it (pagemap.rst has the bits). Of the child's
 * nobody else can ask mincore.
 */
static void state_of(struct text *out, pid_t process, int pagemap, size_t page)
{
	unsigned char *at = region + page * PAGE, cached = 0;
	uint64_t entry = 0, flags = 0;

	(void)!pread(pagemap, &entry, 8, ((uintptr_t)at / PAGE) * 8);
	if (entry >> 63 & 1) {
		(void)!pread(kpageflags, &flags, 8, (entry & ((1ULL << 55) - 1)) * 8);
		add(out, "{\"st\":\"mem\",\"nid\":%ld", node_of(process, at));
		flag(out, "dirty", flags >> 4 & 1);
		flag(out, "wb", flags >> 8 & 1);
		flag(out, "swcache", flags >> 13 & 1);
		flag(out, "head", flags >> 15 & 1);
		flag(out, "tail", flags >> 16 & 1);
		flag(out, "zeropage", flags >> 24 & 1);
	} else if (entry >> 62 & 1) {
		if (!process)
			mincore(at, PAGE, &cached);
		add(out, "{\"st\":\"swap\",\"swp\":[%d,%llu]", (int)(entry & 31),
		    (unsigned long long)(entry >> 5 & ((1ULL << 50) - 1)));
		flag(out, "swcache", cached & 1);
		if (process)
			add(out, ",\"swcache\":\"unknown\"");
	} else {
		add(out, "{\"st\":\"none\"");
	}
	add_bytes(out, "}", 1);
}

static void state(struct text *out, size_t page)
{
	state_of(out, 0, pagemap, page);
}

/* child: the states of all pages of the child; without one all are absent. */
static int child_states(struct text *out)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/pagemap", child);
	int fd = child ? open(path, O_RDONLY) : -1;

	add(out, ",\"state\":[");
	for (size_t i = 0; i < pages; i++) {
		add(out, "%s", i ? "," : "");
		if (child)
			state_of(out, child, fd, i);
		else
			add(out, "{\"st\":\"none\"}");
	}
	add_bytes(out, "]", 1);
	close(fd);
	return 0;
}

static void states(struct text *out, const char *name, size_t page, size_t count)
{
	add(out, ",\"%s\":%s", name, count > 1 ? "[" : "");
	for (size_t i = 0; i < count; i++) {
		if (i)
			add_bytes(out, ",", 1);
		state(out, page + i);
	}
	if (count > 1)
		add_bytes(out, "]", 1);
}

/* ---- commands ---- */

/* map N: N pages at a place where large folios would fit; they are off unless a command turns them on. */
static int map(size_t count, int huge)
{
	char *room = mmap(NULL, count * PAGE + 2 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (room == MAP_FAILED)
		return errno;
	room = (char *)(((uintptr_t)room + HUGE - 1) & ~(HUGE - 1));
	region = mmap(room, count * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
	if (region == MAP_FAILED)
		return errno;
	pages = count;
	if (!huge)
		madvise(region, count * PAGE, MADV_NOHUGEPAGE);
	return 0;
}

/* A child inherits no lock: everything but the pages that are looked at is locked again, so that no reclaim takes it. */
static void lock_the_rest(void)
{
	static char maps[16384];
	int fd = open("/proc/self/maps", O_RDONLY);
	size_t length = 0;
	ssize_t got;

	while ((got = read(fd, maps + length, sizeof(maps) - 1 - length)) > 0)
		length += got;
	close(fd);
	for (char *line = maps; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		char *end;
		unsigned long from = strtoul(line, &end, 16), to = strtoul(end + 1, NULL, 16);

		if (from != (uintptr_t)region)
			syscall(SYS_mlock2, from, to - from, MLOCK_ONFAULT);
	}
}

/* fork: a silent child has a reference to every page and slot, until reap. There is one at most. */
static int fork_child(void)
{
	if (child)
		return 0;
	int ready[2];
	char byte = 0;

	if (pipe(ready))
		return errno;
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		lock_the_rest();
		write_all(ready[1], &byte, 1);
		for (;;)
			pause();
	}
	int error = child < 0 ? errno : read(ready[0], &byte, 1) == 1 ? 0 : ECHILD;

	close(ready[0]);
	close(ready[1]);
	child = child < 0 ? 0 : child;
	return error;
}

static int reap_child(void)
{
	if (child) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	child = 0;
	return 0;
}

static int bind_node(char *node)
{
	unsigned long mask = node ? 1UL << strtoul(node, NULL, 0) : 0;

	return syscall(SYS_set_mempolicy, node ? 2 : 0, node ? &mask : NULL, node ? 64UL : 0UL) ? errno : 0;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (!sched_setaffinity(0, sizeof(set), &set))
		own_cpu = cpu;
	/* What the child gives up when it exits goes to the CPU that it runs on. */
	if (child && own_cpu == cpu)
		sched_setaffinity(child, sizeof(set), &set);
}

/*
 * What waits in lists of this CPU comes to its LRU: pages that could not be isolated elsewhere, or that are given up.
 * MADV_PAGEOUT does that first, even of nothing (lru_add_drain, mm/madvise.c).
 */
static void drain(void)
{
	static void *nothing;

	if (!nothing)
		nothing = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(nothing, PAGE, MADV_PAGEOUT);
}

/* cpu N: goes on on another CPU. */
static int move_to(int cpu)
{
	drain();
	pin(cpu);
	return own_cpu == cpu ? 0 : EINVAL;
}

/* Until the disk has done what it was asked for, for a second at most; a RAM disk has done it already. */
static void wait_for_disk(int writes)
{
	char text[64] = "", *end;

	for (int i = 0; i < 4000 && pread(inflight, text, sizeof(text) - 1, 0) > 0; i++) {
		long reading = strtol(text, &end, 10);

		if (!reading && !(writes && strtol(end, NULL, 10)))
			return;
		usleep(250);
	}
}

static int advice(const char *name)
{
	return !strcmp(name, "out") ? MADV_PAGEOUT :
	       !strcmp(name, "free") ? MADV_DONTNEED :
	       !strcmp(name, "lazyfree") ? MADV_FREE :
	       !strcmp(name, "willneed") ? MADV_WILLNEED : -1;
}

static int read_pages(struct text *out, size_t page, size_t count, int whole)
{
	for (size_t i = page; i < page + count; i++)
		(void)*(volatile unsigned char *)(region + i * PAGE);
	if (whole)
		add(out, ",\"crc\":%u", crc32(region + page * PAGE, PAGE));
	return 0;
}

static int of_pages(struct text *out, const char *name, char *line)
{
	size_t page = number(&line, 0), count = 1;
	int advised = advice(name);
	char *kind;

	if (!strcmp(name, "touch") || !strcmp(name, "peek") || advised >= 0)
		count = number(&line, 1);
	if (!count || page >= pages || count > pages - page)
		return ERANGE;
	states(out, "state", page, count);
	if (advised >= 0) {
		int error = madvise(region + page * PAGE, count * PAGE, advised) ? errno : 0;

		if (advised == MADV_FREE)
			drain();
		/* It does not wait for what it begins to read. */
		if (advised == MADV_WILLNEED)
			wait_for_disk(0);
		return error;
	}
	if (!strcmp(name, "read") || !strcmp(name, "touch"))
		return read_pages(out, page, count, name[0] == 'r');
	if (!strcmp(name, "dirty")) {
		size_t offset = number(&line, 0) % PAGE;

		region[page * PAGE + offset] = number(&line, 0);
		return 0;
	}
	if (!strcmp(name, "write")) {
		kind = word(&line);
		uint64_t seed = number(&line, 0);

		return kind ? fill(region + page * PAGE, kind, seed, number(&line, PAGE)) : EINVAL;
	}
	return strcmp(name, "peek") ? EINVAL : 0;
}

/* ---- ranges: many pages at once, for races ---- */

static struct {
	size_t page, count;
	volatile int stop;
} racer;

/* The other thread, on the other CPU: reads a byte of each page of the range, again and again. */
static void *read_range(void *unused)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(!own_cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	while (!racer.stop)
		for (size_t i = racer.page; i < racer.page + racer.count && !racer.stop; i++)
			(void)*(volatile unsigned char *)(region + i * PAGE);
	return unused;
}

/* race I N: pages are swapped out while another thread reads them. */
static int race(size_t page, size_t count)
{
	pthread_t reader;
	int error;

	racer.page = page;
	racer.count = count;
	racer.stop = 0;
	error = pthread_create(&reader, NULL, read_range, NULL);
	if (error)
		return error;
	error = madvise(region + page * PAGE, count * PAGE, MADV_PAGEOUT) ? errno : 0;
	racer.stop = 1;
	pthread_join(reader, NULL);
	return error;
}

/* How many pages of a range hold a pattern; page j of it has the seed that is given plus j. */
static void matching(struct text *out, size_t page, size_t count, const char *kind, uint64_t seed, size_t length)
{
	static unsigned char expected[PAGE];
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		fill(expected, kind, seed + i, length);
		found += !memcmp(expected, region + (page + i) * PAGE, PAGE);
	}
	add(out, ",\"matching\":%zu", found);
}

/* range NAME I N [KIND SEED LENGTH]; nothing is looked at before or afterwards. */
static int of_range(struct text *out, char *line)
{
	char *name = word(&line);
	size_t page = number(&line, 0), count = number(&line, 0);
	char *kind = word(&line);
	uint64_t seed = number(&line, 0);
	size_t length = number(&line, PAGE);

	if (!name || !count || page >= pages || count > pages - page)
		return ERANGE;
	if (!strcmp(name, "race"))
		return race(page, count);
	if (!strcmp(name, "out"))
		return madvise(region + page * PAGE, count * PAGE, MADV_PAGEOUT) ? errno : 0;
	if (!strcmp(name, "free"))
		return madvise(region + page * PAGE, count * PAGE, MADV_DONTNEED) ? errno : 0;
	if (!kind)
		return EINVAL;
	if (!strcmp(name, "matching"))
		matching(out, page, count, kind, seed, length);
	else
		for (size_t i = 0; i < count; i++)
			fill(region + (page + i) * PAGE, kind, seed + i, length);
	return 0;
}

static int run(struct text *out, char *line);

/* together GATE LIST: commands with ; between, begun when so many workers have come to the gate. */
static int together(struct text *out, char *line)
{
	unsigned target = number(&line, 0);
	const char *comma = "";
	char *rest = NULL;

	__atomic_add_fetch(gate, 1, __ATOMIC_SEQ_CST);
	for (long i = 0; i < 20000000 && __atomic_load_n(gate, __ATOMIC_SEQ_CST) < target; i++)
		if (!(i % 1024))
			sched_yield();
	add(out, ",\"all\":[");
	for (char *part = strtok_r(line, ";", &rest); part; part = strtok_r(NULL, ";", &rest)) {
		add(out, "%s{\"one\":1", comma);
		int error = run(out, part);

		wait_for_disk(1);
		add(out, ",\"errno\":%d}", error);
		comma = ",";
	}
	add_bytes(out, "]", 1);
	return 0;
}

static int run(struct text *out, char *line)
{
	char *name = word(&line);

	if (!name)
		return EINVAL;
	if (!strcmp(name, "map")) {
		size_t count = number(&line, 0);

		return map(count, number(&line, 0));
	}
	if (!strcmp(name, "fork"))
		return fork_child();
	if (!strcmp(name, "reap"))
		return reap_child();
	if (!strcmp(name, "child"))
		return child_states(out);
	if (!strcmp(name, "range"))
		return of_range(out, line);
	if (!strcmp(name, "bind"))
		return bind_node(word(&line));
	if (!strcmp(name, "together"))
		return together(out, line);
	if (!strcmp(name, "cpu"))
		return move_to(number(&line, 0));
	return of_pages(out, name, line);
}

void worker_main(int commands, int answers, int cpu)
{
	static char line[LONGEST_LINE];
	struct text out = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
	pin(cpu);
	inflight = open("/sys/block/vda/inflight", O_RDONLY);
	pagemap = open("/proc/self/pagemap", O_RDONLY);
	kpageflags = open("/proc/kpageflags", O_RDONLY);
	/* Most of what is mapped is never touched: it is locked page by page, when it is. */
	out.bytes = malloc(out.room = 1 << 20);
	mlockall(MCL_CURRENT | MCL_ONFAULT);
	while (read_line(commands, line, sizeof(line)) >= 0) {
		int error;

		out.length = 0;
		add(&out, "{\"worker\":1");
		error = run(&out, line);
		add(&out, ",\"errno\":%d}\n", error);
		if (write_all(answers, out.bytes, out.length))
			break;
	}
	_exit(0);
}
