/*
 * store.c: a small compressed swap store in user space, behind the boundary of refmodel.
 *
 * Two workers with eight pages each, a swap device of 64 slots, and in front of it a store that keeps
 * pages compressed by zlib. It behaves like zswap of Linux 7.3 with single pages: pages of zeroes are a
 * mark, an entry goes when its page is read, entries are written back in the order of a list with a
 * second chance, each worker has limits of its own. It is an example, not a model: it shares no code
 * with refmodel and is meant to be read.
 *
 *     cc -O2 -fPIC -shared -I../boundary store.c -lz -o store.so
 *     cc -O2 -I../boundary store.c ../boundary/stdio.c -lz -o store
 *
 * The word fault=NAME makes it wrong in one of the ways of enum fault, to see how that is found.
 */
#include "refmodel.h"
#include <stdarg.h>
#include <zlib.h>

enum { WORKERS = 2, PAGES = 8, SLOTS = 64, BUDGET = 32, EINVAL_ = 22 };

static const char *const faults[] = { "none", "stale-entry", "charge-leak", "lru-head", "no-second-chance",
	"limit-off-by-one", "limit-zero", "lost-zero", "half-zero", "counter-drift", "double-free",
	"writeback-forbidden", "raw-forbidden", "short-raw", "slot-leak", "stores-disabled", "wrong-owner",
	"wrong-block", "dirty-lost", NULL };
enum fault { NONE_, STALE_ENTRY, CHARGE_LEAK, LRU_HEAD, NO_SECOND_CHANCE, LIMIT_OFF_BY_ONE, LIMIT_ZERO, LOST_ZERO,
	HALF_ZERO, COUNTER_DRIFT, DOUBLE_FREE, WRITEBACK_FORBIDDEN, RAW_FORBIDDEN, SHORT_RAW, SLOT_LEAK,
	STORES_DISABLED, WRONG_OWNER, WRONG_BLOCK, DIRTY_LOST };
static enum fault fault;

/* One page of a worker. A page with a slot may also be in memory: that copy is the swap cache's. */
struct page {
	enum { ABSENT, ZERO, MAPPED, SWAPPED } state;
	int slot;		/* 0: none */
	int cached;		/* the bytes are in memory */
	int dirty;		/* the copy is newer than what the slot leads to */
	int written;		/* written through the page table since the last swap-out */
	unsigned char bytes[REFMODEL_PAGE];
};

struct entry {
	unsigned char *data;
	uLong length;
	int worker, referenced;
};

struct slot {
	struct page *page;	/* NULL: free */
	int zero;
	struct entry *entry, *stale;
	unsigned char block[REFMODEL_PAGE];
};

enum counter { ZSWPIN, ZSWPOUT, ZSWPWB, PSWPIN, PSWPOUT, SWPIN_ZERO, SWPOUT_ZERO, NR_SWAPCACHED, PGMAJFAULT,
	STORED, INCOMPRESSIBLE, WRITTEN_BACK, RECLAIM_FAIL, ALLOC_FAIL, KMEMCACHE_FAIL, COMPRESS_FAIL, SWAP0, SWAP1,
	COUNTERS };
static const char *const counter_names[COUNTERS] = { "vm.zswpin", "vm.zswpout", "vm.zswpwb", "vm.pswpin",
	"vm.pswpout", "vm.swpin_zero", "vm.swpout_zero", "vm.nr_swapcached", "vm.pgmajfault", "zs.stored_pages",
	"zs.stored_incompressible_pages", "zs.written_back_pages", "zs.reject_reclaim_fail", "zs.reject_alloc_fail",
	"zs.reject_kmemcache_fail", "zs.reject_compress_fail", "cg.w0.memory.swap.current",
	"cg.w1.memory.swap.current" };

static struct page pages[WORKERS][PAGES];
static struct slot slots[SLOTS + 1];
static int lru[WORKERS][SLOTS], listed[WORKERS];	/* slots with an entry, the coldest first */
static long zswap_max[WORKERS];				/* pages, -1: no limit */
static long charged[WORKERS];				/* bytes */
static int writeback[WORKERS], enabled, shrinker;
static long counters[COUNTERS];

/* --- the answer in work ------------------------------------------------------------------------------- */

static char *out, *out_end;
static char events[1 << 16];
static const char *failing;	/* the command whose injected failure is still to happen */
static long fail_after;
static int fired;

static void say(const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(out, (size_t)(out_end - out), format, args);
	va_end(args);
	out += length < out_end - out ? length : out_end - out - 1;
}

static void tell(const char *format, ...)
{
	size_t at = strlen(events);
	va_list args;

	if (at)
		events[at++] = ',';
	va_start(args, format);
	vsnprintf(events + at, sizeof(events) - at, format, args);
	va_end(args);
}

static int allocation_fails(const char *site)
{
	if (!failing || !refmodel_is(failing, "site", site) || --fail_after)
		return 0;
	fired = 1;
	return 1;
}

/* --- entries ------------------------------------------------------------------------------------------ */

static int writeback_allowed(int worker)
{
	return !enabled || writeback[worker];
}

static void unlist(int worker, int number)
{
	int i, kept = 0;

	for (i = 0; i < listed[worker]; i++)
		if (lru[worker][i] != number)
			lru[worker][kept++] = lru[worker][i];
	listed[worker] = kept;
}

static void list(int worker, int number)
{
	if (fault == LRU_HEAD) {
		memmove(lru[worker] + 1, lru[worker], sizeof(int) * (size_t)listed[worker]);
		lru[worker][0] = number;
		listed[worker]++;
	} else {
		lru[worker][listed[worker]++] = number;
	}
}

static void free_entry(int number)
{
	struct slot *slot = &slots[number];
	struct entry *entry = slot->entry;

	if (!entry)
		return;
	unlist(entry->worker, number);
	charged[entry->worker] -= (long)entry->length;
	counters[STORED]--;
	counters[INCOMPRESSIBLE] -= entry->length == REFMODEL_PAGE;
	free(entry->data);
	free(entry);
	slot->entry = NULL;
}

static void drop_stale(int number)
{
	if (slots[number].stale) {
		free(slots[number].stale->data);
		free(slots[number].stale);
		slots[number].stale = NULL;
	}
}

static void decompress(const struct entry *entry, unsigned char *bytes)
{
	uLong length = REFMODEL_PAGE;

	if (entry->length == REFMODEL_PAGE)
		memcpy(bytes, entry->data, REFMODEL_PAGE);
	else
		uncompress(bytes, &length, entry->data, entry->length);
	if (fault == SHORT_RAW && entry->length == REFMODEL_PAGE)
		bytes[REFMODEL_PAGE - 1] = 0;
}

static void write_block(int number, const unsigned char *bytes)
{
	int where = fault == WRONG_BLOCK && number > 1 ? number - 1 : number;

	tell("{\"ev\":\"disk_write\",\"swp\":[0,%d],\"nr\":1}", number);
	memcpy(slots[where].block, bytes, REFMODEL_PAGE);
	counters[PSWPOUT]++;
}

/* Writes an entry to the device; its page is in the swap cache afterwards. */
static void write_back(int number)
{
	struct page *page = slots[number].page;

	decompress(slots[number].entry, page->bytes);
	counters[ZSWPWB]++;
	free_entry(number);
	write_block(number, page->bytes);
	counters[WRITTEN_BACK] += fault != COUNTER_DRIFT;
	page->cached = 1;
	page->dirty = 0;
	counters[NR_SWAPCACHED]++;
	tell("{\"ev\":\"writeback\",\"swp\":[0,%d],\"ret\":0}", number);
}

/* Visits entries of a list, each once more if it was stored since the last visit. Returns how many went. */
static int walk(int worker, int budget)
{
	int gone = 0;

	while (listed[worker] && budget--) {
		int number = lru[worker][0], alone = listed[worker] == 1;
		struct entry *entry = slots[number].entry;

		memmove(lru[worker], lru[worker] + 1, sizeof(int) * (size_t)(listed[worker] - 1));
		lru[worker][listed[worker] - 1] = number;
		if (entry->referenced && fault != NO_SECOND_CHANCE) {
			entry->referenced = 0;
			if (alone)
				break;
			continue;
		}
		write_back(number);
		gone++;
	}
	return gone;
}

/* Returns whether a worker may store one more page, after making room for it if need be. */
static int has_room(int worker)
{
	long limit = zswap_max[worker], used = charged[worker] / REFMODEL_PAGE;

	if (limit < 0 || (limit == 0 && fault == LIMIT_ZERO))
		return 1;
	if (limit > 0 && (used < limit || (used == limit && fault == LIMIT_OFF_BY_ONE)))
		return 1;
	return writeback_allowed(worker) && walk(worker, BUDGET) > 0;
}

static int store(int worker, int number, const unsigned char *bytes)
{
	static unsigned char packed[2 * REFMODEL_PAGE];
	uLong length = sizeof(packed);
	struct entry *entry;
	int owner = fault == WRONG_OWNER ? 0 : worker;

	if ((!enabled && fault != STORES_DISABLED) || !has_room(worker))
		return 0;
	if (allocation_fails("zswap_entry")) {
		counters[KMEMCACHE_FAIL]++;
		return 0;
	}
	compress2(packed, &length, bytes, REFMODEL_PAGE, 1);
	if (length >= REFMODEL_PAGE) {
		tell("{\"ev\":\"compress\",\"slen\":4096,\"dlen\":4096,\"ret\":0}");
		if (!writeback_allowed(worker) && fault != RAW_FORBIDDEN) {
			counters[COMPRESS_FAIL]++;
			return 0;
		}
		memcpy(packed, bytes, REFMODEL_PAGE);
		length = REFMODEL_PAGE;
	} else {
		tell("{\"ev\":\"compress\",\"slen\":4096,\"dlen\":%lu,\"ret\":0}", length);
	}
	if (allocation_fails("zs_handle")) {
		counters[ALLOC_FAIL]++;
		return 0;
	}
	if (allocation_fails("radix_tree_node")) {
		counters[ALLOC_FAIL]++;
		if (fault == CHARGE_LEAK)
			charged[owner] += (long)length;
		return 0;
	}
	free_entry(number);
	drop_stale(number);
	entry = calloc(1, sizeof(*entry));
	entry->data = malloc(length);
	memcpy(entry->data, packed, length);
	entry->length = length;
	entry->worker = owner;
	entry->referenced = 1;
	slots[number].entry = entry;
	charged[owner] += (long)length;
	counters[STORED]++;
	counters[INCOMPRESSIBLE] += length == REFMODEL_PAGE;
	list(owner, number);
	counters[ZSWPOUT]++;
	return 1;
}

/* --- pages -------------------------------------------------------------------------------------------- */

static int is_zero(const unsigned char *bytes)
{
	int i, end = fault == HALF_ZERO ? REFMODEL_PAGE / 2 : REFMODEL_PAGE;

	for (i = 0; i < end; i++)
		if (bytes[i])
			return 0;
	return 1;
}

static void free_slot(int worker, struct page *page)
{
	int number = page->slot;

	if (!number)
		return;
	if (fault == DOUBLE_FREE && slots[number].entry && counters[STORED] > 1)
		counters[STORED]--;
	free_entry(number);
	drop_stale(number);
	slots[number].zero = 0;
	slots[number].page = NULL;
	counters[SWAP0 + worker] -= fault == SLOT_LEAK ? 0 : REFMODEL_PAGE;
	counters[NR_SWAPCACHED] -= page->cached;
	page->slot = 0;
}

/* Reads a slot into the swap cache. */
static void read_slot(struct page *page)
{
	struct slot *slot = &slots[page->slot];

	page->dirty = 0;
	if (slot->zero) {
		memset(page->bytes, 0, REFMODEL_PAGE);
		counters[SWPIN_ZERO]++;
	} else if (slot->stale && !slot->entry) {
		decompress(slot->stale, page->bytes);
	} else if (slot->entry) {
		decompress(slot->entry, page->bytes);
		counters[ZSWPIN]++;
		if (fault == STALE_ENTRY) {
			slot->stale = calloc(1, sizeof(*slot->stale));
			*slot->stale = *slot->entry;
			slot->stale->data = malloc(slot->entry->length);
			memcpy(slot->stale->data, slot->entry->data, slot->entry->length);
		}
		free_entry(page->slot);
		page->dirty = fault != DIRTY_LOST;
	} else {
		memcpy(page->bytes, slot->block, REFMODEL_PAGE);
		counters[PSWPIN]++;
	}
	page->cached = 1;
	counters[NR_SWAPCACHED]++;
}

/* Makes a page readable, or writable; a page that is written gives its slot back. */
static void fault_in(int worker, struct page *page, int writes)
{
	if (page->state == ABSENT && !writes) {
		page->state = ZERO;
	} else if (page->state == ABSENT || page->state == ZERO) {
		if (writes) {
			memset(page->bytes, 0, REFMODEL_PAGE);
			page->state = MAPPED;
			page->cached = page->dirty = page->written = 0;
		}
	} else if (page->state == SWAPPED) {
		if (!page->cached) {
			read_slot(page);
			counters[PGMAJFAULT]++;
		}
		page->state = MAPPED;
		page->written = 0;
		if (writes) {
			free_slot(worker, page);
			page->cached = 0;
			page->dirty = 1;
		}
	}
	page->written |= writes;
}

static void swap_out(int worker, struct page *page)
{
	int number;

	if (page->state != MAPPED)
		return;
	if (!page->slot) {
		for (number = 1; number <= SLOTS && slots[number].page; number++)
			;
		if (number > SLOTS)
			return;
		slots[number].page = page;
		page->slot = number;
		page->cached = page->dirty = 1;
		counters[SWAP0 + worker] += REFMODEL_PAGE;
		counters[NR_SWAPCACHED]++;
	}
	number = page->slot;
	page->state = SWAPPED;
	page->dirty |= page->written;
	page->written = 0;
	if (page->dirty) {
		int zero = is_zero(page->bytes);

		page->dirty = 0;
		slots[number].zero = zero || (fault == LOST_ZERO && slots[number].zero);
		if (zero) {
			counters[SWPOUT_ZERO]++;
		} else if (!store(worker, number, page->bytes)) {
			free_entry(number);
			if (!writeback_allowed(worker))
				page->dirty = 1;
			else
				write_block(number, page->bytes);
			return;
		}
	}
	page->cached = 0;
	counters[NR_SWAPCACHED]--;
}

static void drop(int worker, struct page *page)
{
	free_slot(worker, page);
	memset(page, 0, sizeof(*page));
}

/* Drops clean copies of swapped pages. */
static void reclaim(int worker)
{
	int i;

	for (i = 0; i < PAGES; i++) {
		struct page *page = &pages[worker][i];

		if (page->state == SWAPPED && page->cached && !page->dirty) {
			page->cached = 0;
			counters[NR_SWAPCACHED]--;
			tell("{\"ev\":\"swapcache_del\",\"swp\":[0,%d]}", page->slot);
		}
	}
}

/* --- controls ----------------------------------------------------------------------------------------- */

static int set(const char *command)
{
	char what[64], value[32];
	int worker, yes;

	refmodel_text(command, "what", what, sizeof(what));
	refmodel_text(command, "value", value, sizeof(value));
	worker = what[1] - '0';
	yes = *value == 'Y' || *value == '1';
	if (!strcmp(what, "zswap/enabled"))
		enabled = yes;
	else if (!strcmp(what, "zswap/shrinker_enabled"))
		shrinker = yes;
	else if (!strcmp(what + 2, "/memory.zswap.writeback"))
		writeback[worker] = yes;
	else if (!strcmp(what + 2, "/memory.zswap.max"))
		zswap_max[worker] = !strcmp(value, "max") ? -1 : atol(value) / REFMODEL_PAGE;
	else
		return EINVAL_;
	return 0;
}

static void reset(void)
{
	int worker, i;

	for (worker = 0; worker < WORKERS; worker++)
		for (i = 0; i < PAGES; i++)
			drop(worker, &pages[worker][i]);
	memset(slots, 0, sizeof(slots));
	memset(counters, 0, sizeof(counters));
	for (worker = 0; worker < WORKERS; worker++) {
		zswap_max[worker] = -1;
		charged[worker] = listed[worker] = 0;
		writeback[worker] = 1;
	}
	enabled = 1;
	shrinker = 1;
}

/* --- the boundary ------------------------------------------------------------------------------------- */

static void say_state(const struct page *page)
{
	switch (page->state) {
	case ABSENT:
		say("{\"st\":\"none\"}");
		break;
	case ZERO:
		say("{\"st\":\"mem\",\"nid\":-14,\"zeropage\":1}");
		break;
	case MAPPED:
		say("{\"st\":\"mem\",\"nid\":0,\"dirty\":%d,\"swcache\":%d}", page->dirty, page->slot != 0);
		break;
	case SWAPPED:
		say("{\"st\":\"swap\",\"swp\":[0,%d],\"swcache\":%d}", page->slot, page->cached);
	}
}

static void say_states(const char *name, const struct page *first, long nr)
{
	long i;

	say(",\"%s\":%s", name, nr > 1 ? "[" : "");
	for (i = 0; i < nr; i++) {
		say("%s", i ? "," : "");
		say_state(first + i);
	}
	say("%s", nr > 1 ? "]" : "");
}

static void say_counters(void)
{
	int i;

	say(",\"counters\":{");
	for (i = 0; i < COUNTERS; i++)
		say("%s\"%s\":%ld", i ? "," : "", counter_names[i], counters[i]);
	say("}");
}

static void say_hello(void)
{
	int i;

	say("{\"boundary\":%d,\"name\":\"store.c\",\"version\":\"1\",\"profile\":\"linux-7.3\"", REFMODEL_BOUNDARY);
	say(",\"workers\":%d,\"pages\":%d,\"slots\":%d", WORKERS, PAGES, SLOTS);
	say(",\"commands\":[\"write\",\"dirty\",\"read\",\"touch\",\"out\",\"free\",\"willneed\",\"peek\",\"set\","
	    "\"shrink\",\"reclaim\",\"settle\"],\"faults\":[\"zswap_entry\",\"zs_handle\",\"radix_tree_node\"]");
	say(",\"controls\":{\"wK/memory.zswap.max\":[\"max\",\"0\",\"4096\"],\"wK/memory.zswap.writeback\":[\"1\",\"0\"],"
	    "\"zswap/enabled\":[\"Y\",\"N\"],\"zswap/shrinker_enabled\":[\"Y\",\"N\"]}");
	say(",\"zswap\":{\"compressor\":\"deflate\",\"shrinker_enabled\":\"Y\"}");
	say(",\"events\":[\"compress\",\"disk_write\",\"writeback\"],\"counters\":[");
	for (i = 0; i < COUNTERS; i++)
		say("%s\"%s\"", i ? "," : "", counter_names[i]);
	say("]}");
}

static void run(const char *command, int worker, struct page *page, long nr)
{
	long i;

	if (refmodel_is(command, "op", "write")) {
		fault_in(worker, page, 1);
		refmodel_fill(command, page->bytes);
	} else if (refmodel_is(command, "op", "dirty")) {
		fault_in(worker, page, 1);
		page->bytes[refmodel_number(command, "off", 0)] = (unsigned char)refmodel_number(command, "val", 0);
	} else if (refmodel_is(command, "op", "shrink")) {
		if (shrinker && (writeback_allowed(worker) || fault == WRITEBACK_FORBIDDEN))
			walk(worker, (int)nr);
	}
	for (i = 0; i < nr; i++) {
		if (refmodel_is(command, "op", "read") || refmodel_is(command, "op", "touch"))
			fault_in(worker, page + i, 0);
		else if (refmodel_is(command, "op", "out"))
			swap_out(worker, page + i);
		else if (refmodel_is(command, "op", "free"))
			drop(worker, page + i);
		else if (refmodel_is(command, "op", "willneed") && page[i].state == SWAPPED && !page[i].cached)
			read_slot(page + i);
	}
}

int refmodel_start(const char *words)
{
	const char *name = strncmp(words, "fault=", 6) ? words : words + 6;
	int i;

	reset();
	fault = NONE_;
	for (i = 0; *name && faults[i]; i++)
		if (!strcmp(name, faults[i])) {
			fault = (enum fault)i;
			return 0;
		}
	return *name ? -1 : 0;
}

int refmodel_answer(const char *command, char *answer, size_t size)
{
	static const unsigned char zeroes[REFMODEL_PAGE];
	long number = refmodel_number(command, "i", 0), nr = refmodel_number(command, "n", 1);
	int worker = (int)refmodel_number(command, "w", 0), error = 0;
	struct page *page = &pages[worker][refmodel_number(command, "page", 0)];
	int of_pages = refmodel_field(command, "page") != NULL;

	out = answer;
	out_end = answer + size;
	*events = 0;
	failing = refmodel_field(command, "site") ? command : NULL;
	fail_after = refmodel_number(command, "nth", 0);
	fired = 0;
	if (refmodel_is(command, "op", "hello")) {
		say_hello();
		return 0;
	}
	say("{\"i\":%ld", number);
	if (of_pages)
		say_states("pre", page, nr);
	if (refmodel_is(command, "op", "reset"))
		reset();
	else if (refmodel_is(command, "op", "set"))
		error = set(command);
	else if (refmodel_is(command, "op", "reclaim"))
		reclaim(refmodel_is(command, "cg", "w1"));
	else if (refmodel_is(command, "op", "settle"))
		say(",\"cg\":{\"w0.memory.zswap.current\":%ld,\"w1.memory.zswap.current\":%ld}", charged[0], charged[1]);
	else
		run(command, worker, page, nr);
	say(",\"errno\":%d", error);
	if (of_pages)
		say_states("post", page, nr);
	if (refmodel_is(command, "op", "read"))
		say(",\"crc\":%u", refmodel_crc(page->state == ZERO ? zeroes : page->bytes));
	if (failing)
		say(",\"fired\":%s", fired ? "true" : "false");
	say_counters();
	say(",\"events\":[%s]}", events);
	return out < out_end - 1 ? 0 : -1;
}
