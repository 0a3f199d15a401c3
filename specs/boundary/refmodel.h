/*
 * refmodel.h: the boundary of refmodel for implementations in C.
 *
 * An implementation defines two functions. Commands and answers are the JSON objects of
 * boundary.schema.json, one a call, without a line's end. A program that is linked with stdio.c speaks
 * the same boundary on its standard streams.
 *
 *     refmodel conform lib:./store.so            refmodel conform exec:./store
 *
 * The helpers below read the few fields that commands have, and make the pages that they name.
 */
#ifndef REFMODEL_H
#define REFMODEL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFMODEL_BOUNDARY 1
#define REFMODEL_PAGE 4096

/* Begin with the words that followed the name of the target, "" for none. Returns 0, or -1 to refuse them. */
int refmodel_start(const char *words);

/* Write the answer to a command into a buffer of size bytes. Returns 0, or -1 if it does not fit. */
int refmodel_answer(const char *command, char *answer, size_t size);

/* Returns where the value of a field begins, or NULL. Field names of commands are unique at any depth. */
static inline const char *refmodel_field(const char *command, const char *name)
{
	char quoted[80];
	const char *found;

	snprintf(quoted, sizeof(quoted), "\"%s\":", name);
	found = strstr(command, quoted);
	if (!found)
		return NULL;
	found += strlen(quoted);
	return found + strspn(found, " ");
}

/* Returns the number in a field, or otherwise. */
static inline long refmodel_number(const char *command, const char *name, long otherwise)
{
	const char *found = refmodel_field(command, name);

	return found && (*found == '-' || (*found >= '0' && *found <= '9')) ? strtol(found, NULL, 10) : otherwise;
}

/* Copies the text in a field, or the digits of a number. Returns its length, 0 without such a field. */
static inline size_t refmodel_text(const char *command, const char *name, char *text, size_t size)
{
	const char *found = refmodel_field(command, name);
	size_t length = 0;

	if (found) {
		found += *found == '"';
		length = strcspn(found, "\",}");
		if (length >= size)
			length = size - 1;
		memcpy(text, found, length);
	}
	text[length] = 0;
	return length;
}

/* Returns whether the field is that text. */
static inline int refmodel_is(const char *command, const char *name, const char *text)
{
	char found[64];

	return refmodel_text(command, name, found, sizeof(found)) == strlen(text) && !strcmp(found, text);
}

/* Returns the next output of splitmix64. */
static inline uint64_t refmodel_random(uint64_t *state)
{
	uint64_t word = *state += 0x9E3779B97F4A7C15u;

	word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9u;
	word = (word ^ (word >> 27)) * 0x94D049BB133111EBu;
	return word ^ (word >> 31);
}

/* Fills a page as the command write says: little endian words, see specs/traces/README.md. */
static inline void refmodel_fill(const char *command, unsigned char page[REFMODEL_PAGE])
{
	static const char *const words[16] = { "swap ", "page ", "node ", "entry ", "folio ", "queue ", "batch ",
		"store ", "load ", "tree ", "slot ", "cgroup ", "worker ", "device ", "zone ", "list " };
	uint64_t state = (uint64_t)refmodel_number(command, "seed", 0), word = 0;
	long length = refmodel_is(command, "kind", "rand") ? REFMODEL_PAGE :
		refmodel_number(command, "len", REFMODEL_PAGE), at;
	int i;

	memset(page, 0, REFMODEL_PAGE);
	if (refmodel_is(command, "kind", "zero"))
		return;
	if (refmodel_is(command, "kind", "text")) {
		for (at = 0; at < REFMODEL_PAGE;) {
			const char *next = words[refmodel_random(&state) & 15];

			while (*next && at < REFMODEL_PAGE)
				page[at++] = (unsigned char)*next++;
		}
		return;
	}
	if (refmodel_is(command, "kind", "same") || refmodel_is(command, "kind", "nsame")) {
		word = refmodel_random(&state);
		for (at = 0; at < REFMODEL_PAGE; at++)
			page[at] = (unsigned char)(word >> 8 * (at % 8));
		if (refmodel_is(command, "kind", "nsame"))
			page[REFMODEL_PAGE - 8] ^= 1;
		return;
	}
	for (at = 0; at + 8 <= length; at += 8) {
		word = refmodel_random(&state);
		for (i = 0; i < 8; i++)
			page[at + i] = (unsigned char)(word >> 8 * i);
	}
}

/* Returns the CRC-32 of a page (zlib polynomial). */
static inline uint32_t refmodel_crc(const unsigned char page[REFMODEL_PAGE])
{
	static uint32_t table[256];
	uint32_t crc = 0xFFFFFFFFu, i, bit;

	if (!table[1])
		for (i = 0; i < 256; i++) {
			table[i] = i;
			for (bit = 0; bit < 8; bit++)
				table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xEDB88320u : 0);
		}
	for (i = 0; i < REFMODEL_PAGE; i++)
		crc = crc >> 8 ^ table[(crc ^ page[i]) & 255];
	return ~crc;
}

#endif
