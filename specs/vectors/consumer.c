/*
 * consumer.c: runs test vectors of refmodel against an implementation that is linked in. No Python.
 *
 *     cc -O2 -I../boundary consumer.c ../examples/store.c -lz -o consumer
 *     ./consumer linux-7.3/0/HASH.jsonl...
 *     ./consumer --words fault=lost-zero linux-7.3/0/HASH.jsonl...
 *
 * A vector is a file of JSON objects, one a line: first what it is, how it starts and what it needs, then one line for each
 * command, {"command": {...}, "expect": {...}}. In "expect" stand numbers, by the name of a field of the answer
 * or of a counter, and under "post" the states of the command's pages, each as its "st" and the flags that are
 * set. Only what the answer has is compared: the rest is unknown. Exit code 1 if a vector fails.
 */
#include "refmodel.h"

static char line[1 << 16], command[1 << 12], answer[1 << 20];

/* Copies the object that follows a field's name, braces included. Returns 0 if there is none. */
static int object(const char *text, const char *name, char *copy, size_t size)
{
	const char *found = refmodel_field(text, name), *end;
	int depth = 0;

	if (!found || *found != '{')
		return 0;
	for (end = found; *end; end++) {
		depth += (*end == '{') - (*end == '}');
		if (!depth && (size_t)(end - found) + 2 < size) {
			memcpy(copy, found, (size_t)(end - found) + 1);
			copy[end - found + 1] = 0;
			return 1;
		}
	}
	return 0;
}

/* Writes a page state of an answer as a vector says it; "unknown" if any of it is. Returns where it ends. */
static const char *state_text(const char *state, char *text, size_t size)
{
	static const char *const flags[] = { "dirty", "wb", "swcache", "head", "tail", "zeropage", NULL };
	char one[256];
	size_t length = strcspn(state, "}") + 1;
	int i;

	snprintf(one, sizeof(one), "%.*s", (int)length, state);
	refmodel_text(one, "st", text, size);
	for (i = 0; flags[i]; i++)
		if (refmodel_number(one, flags[i], 0))
			snprintf(text + strlen(text), size - strlen(text), " %s", flags[i]);
	if (strstr(one, "unknown"))
		snprintf(text, size, "unknown");
	return state + length;
}

/* Compares the page states. Returns the number of differences. */
static int compare_states(const char *expect, const char *file, long number)
{
	const char *wanted = refmodel_field(expect, "post"), *found = refmodel_field(answer, "post"), *last;
	char text[128];
	int wrong = 0;

	if (!wanted || !found || *found == '"')
		return 0;
	last = wanted + strcspn(wanted, "]");
	while ((wanted = strchr(wanted, '"')) && wanted < last) {
		size_t length = strcspn(++wanted, "\"");

		found = state_text(strchr(found, '{'), text, sizeof(text));
		if (strcmp(text, "unknown") && (strlen(text) != length || strncmp(wanted, text, length))) {
			printf("%s: command %ld: post is %s; expected %.*s\n", file, number, text, (int)length, wanted);
			wrong++;
		}
		wanted += length + 1;
	}
	return wrong;
}

/* Compares the numbers. Returns the number of differences. */
static int compare_numbers(const char *expect, const char *file, long number)
{
	const char *at = expect;
	char name[64];
	int wrong = 0;

	while ((at = strchr(at, '"'))) {
		size_t length = strcspn(++at, "\"");

		snprintf(name, sizeof(name), "%.*s", (int)length, at);
		at += length + 1;
		if (*at != ':' || !strcmp(name, "post") || !refmodel_field(answer, name))
			continue;
		if (!refmodel_is(answer, name, "unknown") &&
		    refmodel_number(answer, name, -1) != refmodel_number(expect, name, -2)) {
			printf("%s: command %ld: %s is %ld; expected %ld\n", file, number, name,
			       refmodel_number(answer, name, -1), refmodel_number(expect, name, -2));
			wrong++;
		}
	}
	return wrong;
}

/* Returns where a list or an object ends. */
static const char *end_of(const char *at)
{
	int depth = 0;

	for (; *at; at++) {
		depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
		if (!depth)
			break;
	}
	return at;
}

/* Returns whether every text in a list of a vector's needs stands under the same name in the implementation's hello. */
static int has_all(const char *needs, const char *list, const char *hello)
{
	const char *at = refmodel_field(needs, list), *last = at ? end_of(at) : NULL;
	const char *known = refmodel_field(hello, list), *end = known ? end_of(known) : NULL;
	char quoted[80];

	while (at && (at = strchr(at, '"')) && at < last) {
		size_t length = strcspn(at + 1, "\"");
		const char *found;

		snprintf(quoted, sizeof(quoted), "%.*s", (int)length + 2, at);
		found = known ? strstr(known, quoted) : NULL;
		if (!found || found > end)
			return 0;
		at += length + 2;
	}
	return 1;
}

/* Runs a vector. Returns 0 if it passed, 1 if it failed, 2 if the implementation lacks something. */
static int run(const char *file, const char *hello)
{
	static char expect[1 << 14];
	FILE *stream = fopen(file, "r");
	int wrong = 0;

	if (!stream || !fgets(line, sizeof(line), stream) || refmodel_number(line, "vector", 0) != 1) {
		printf("%s: no vector of version 1\n", file);
		return 1;
	}
	if (!has_all(line, "commands", hello) || !has_all(line, "controls", hello) || !has_all(line, "faults", hello) ||
	    !has_all(line, "settings", hello) ||
	    refmodel_number(line, "workers", 1) > refmodel_number(hello, "workers", 1) ||
	    refmodel_number(line, "pages", 1) > refmodel_number(hello, "pages", 1)) {
		fclose(stream);
		return 2;
	}
	object(line, "setting", expect, sizeof(expect));
	snprintf(command, sizeof(command), "{\"i\": 0, \"op\": \"reset\"%s%.200s}",
		 strcmp(expect, "{}") ? ", \"setting\": " : "", strcmp(expect, "{}") ? expect : "");
	refmodel_answer(command, answer, sizeof(answer));
	while (!wrong && fgets(line, sizeof(line), stream)) {
		if (!object(line, "command", command, sizeof(command)) || !object(line, "expect", expect, sizeof(expect)) ||
		    refmodel_answer(command, answer, sizeof(answer))) {
			printf("%s: a line that cannot be read or answered\n", file);
			wrong = 1;
			break;
		}
		wrong += compare_states(expect, file, refmodel_number(command, "i", 0));
		wrong += compare_numbers(expect, file, refmodel_number(command, "i", 0));
	}
	fclose(stream);
	return wrong > 0;
}

int main(int argc, char **argv)
{
	static char hello[1 << 14];
	int count[3] = { 0, 0, 0 }, first = 1, i;

	if (argc > 2 && !strcmp(argv[1], "--words"))
		first = 3;
	if (argc <= first || refmodel_start(first == 3 ? argv[2] : "") ||
	    refmodel_answer("{\"i\": 0, \"op\": \"hello\", \"boundary\": 1}", hello, sizeof(hello))) {
		fprintf(stderr, "usage: %s [--words WORDS] VECTOR...\n", argv[0]);
		return 2;
	}
	for (i = first; i < argc; i++)
		count[run(argv[i], hello)]++;
	printf("%d passed, %d failed, %d skipped\n", count[0], count[1], count[2]);
	return count[1] ? 1 : count[0] ? 0 : 3;
}
