/* Counters: files of the kernel that are read again and again, when everything has come to rest. */
#define _GNU_SOURCE
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * What is counted. Without keys a file holds one number; with keys it has a name and a number a line. Which lines are
 * wanted is found once: a kernel writes them in the same order as long as it runs.
 */
static struct watch {
	char prefix[64], path[192], keys[512];
	int fd, directory, lines;
	unsigned char *wanted;
} *watches;
static int nr_watches;

static int wanted(const char *keys, const char *key, size_t length)
{
	for (const char *at = keys; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',')) {
		size_t has = strcspn(at, ",");

		if (at[has - 1] == '*' ? length >= has - 1 && !memcmp(at, key, has - 1) :
					 length == has && !memcmp(at, key, length))
			return 1;
	}
	return 0;
}

static void add_value(struct text *out, const char *prefix, const char *key, size_t length, const char *value)
{
	const char *digits = value + strspn(value, " :\t");

	add_bytes(out, ",\"", 2);
	add_bytes(out, prefix, strlen(prefix));
	add_bytes(out, key, length);
	add_bytes(out, "\":", 2);
	add_bytes(out, digits, strspn(digits, "-0123456789"));
}

static void find_lines(struct watch *watch, const char *text)
{
	watch->lines = 0;
	for (const char *line = text; *line; line = strchrnul(line, '\n'), line += *line == '\n') {
		watch->wanted = realloc(watch->wanted, watch->lines + 1);
		watch->wanted[watch->lines++] = wanted(watch->keys, line, strcspn(line, " :\t"));
	}
}

static void count_keys(struct text *out, struct watch *watch, const char *text)
{
	if (!watch->lines)
		find_lines(watch, text);
	for (int i = 0; i < watch->lines && *text; i++) {
		if (watch->wanted[i]) {
			size_t length = strcspn(text, " :\t");

			add_value(out, watch->prefix, text, length, text + length);
		}
		text = strchrnul(text, '\n');
		text += *text == '\n';
	}
}

/* Reads a file of debugfs, which gives its value once for each time that it is opened. */
static ssize_t read_once(struct watch *watch, char *text, size_t room)
{
	int fd = openat(watch->directory, strrchr(watch->path, '/') + 1, O_RDONLY | O_CLOEXEC);
	ssize_t got = read(fd, text, room);

	close(fd);
	return got;
}

/* Reads a file from its start through the same descriptor; one that was made anew since is opened again. */
static ssize_t read_again(struct watch *watch, char *text, size_t room)
{
	ssize_t got = pread(watch->fd, text, room, 0);

	if (got >= 0 || errno == ESPIPE)
		return got;
	close(watch->fd);
	watch->fd = open(watch->path, O_RDONLY | O_CLOEXEC);
	return pread(watch->fd, text, room, 0);
}

static int watched(struct watch *watch, char *text, size_t room)
{
	ssize_t got = watch->directory ? -1 : read_again(watch, text, room - 1);

	if (got < 0 && errno == ESPIPE && !watch->directory) {
		char path[sizeof(watch->path)];

		snprintf(path, strrchr(watch->path, '/') - watch->path + 1, "%s", watch->path);
		watch->directory = open(path, O_PATH | O_CLOEXEC);
	}
	if (watch->directory)
		got = read_once(watch, text, room - 1);
	text[got < 0 ? 0 : got] = 0;
	return got >= 0;
}

/* Whether anything but this process can run: kernel threads may still have to do what commands have queued. */
static int others_run(void)
{
	static struct watch loadavg = { .path = "/proc/loadavg", .fd = -1 };
	char text[64];
	char *at = watched(&loadavg, text, sizeof(text)) ? strchr(text, '/') : NULL;

	while (at && at > text && at[-1] != ' ')
		at--;
	return at && strtol(at, NULL, 10) > 1;
}

/*
 * Reads /proc/vmstat when no page is under writeback and nothing else runs, after two seconds even so. Its counters are
 * exact after a write to stat_refresh.
 */
static int settled(char *text, size_t room)
{
	static struct watch vmstat = { .path = "/proc/vmstat", .fd = -1 };
	static int refresh = -1;

	if (refresh < 0)
		refresh = open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC);
	for (int i = 0; i < 4000; i++) {
		if (i)
			usleep(500);
		if (others_run())
			continue;
		if (pwrite(refresh, "1", 1, 0) < 0 || !watched(&vmstat, text, room))
			return EIO;
		char *at = strstr(text, "\nnr_writeback ");

		if (!at || strtol(at + 14, NULL, 10) <= 0)
			return 0;
	}
	return ETIMEDOUT;
}

int rest(void)
{
	static char text[1 << 16];

	return settled(text, sizeof(text));
}

int add_counters(struct text *out)
{
	static char vmstat[1 << 16], text[1 << 16];
	int error = settled(vmstat, sizeof(vmstat));

	add(out, "\"counters\":{");
	size_t begin = out->length;

	for (int i = 0; i < nr_watches; i++) {
		int is_vmstat = !strcmp(watches[i].path, "/proc/vmstat");

		if (!is_vmstat && !watched(&watches[i], text, sizeof(text)))
			continue;
		if (watches[i].keys[0])
			count_keys(out, &watches[i], is_vmstat ? vmstat : text);
		else
			add_value(out, watches[i].prefix, "", 0, text);
	}
	if (out->length > begin)
		out->bytes[begin] = ' ';
	add_bytes(out, "}", 1);
	return error;
}

int watch(const char *prefix, char *line)
{
	char *path = word(&line), *keys = word(&line);

	if (!path)
		return EINVAL;
	watches = realloc(watches, (nr_watches + 1) * sizeof(*watches));
	struct watch *made = &watches[nr_watches++];

	*made = (struct watch){ .fd = -1 };
	snprintf(made->prefix, sizeof(made->prefix), "%s", prefix);
	snprintf(made->path, sizeof(made->path), "%s", path);
	snprintf(made->keys, sizeof(made->keys), "%s", keys ? keys : "");
	return 0;
}

int forget(void)
{
	while (nr_watches) {
		struct watch *last = &watches[--nr_watches];

		close(last->fd);
		if (last->directory)
			close(last->directory);
		free(last->wanted);
	}
	return 0;
}
