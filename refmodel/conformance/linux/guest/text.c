/* Texts, words of a line, and whole files. */
#define _GNU_SOURCE
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void add_bytes(struct text *out, const char *bytes, size_t length)
{
	if (out->length + length + 1 > out->room) {
		out->room = 2 * (out->length + length + 1) + 4096;
		out->bytes = realloc(out->bytes, out->room);
		if (!out->bytes)
			_exit(70);
	}
	memcpy(out->bytes + out->length, bytes, length);
	out->length += length;
	out->bytes[out->length] = 0;
}

void add(struct text *out, const char *format, ...)
{
	char made[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(made, sizeof(made), format, arguments);
	va_end(arguments);
	add_bytes(out, made, strlen(made));
}

/* A string of JSON; what is not printable ASCII is escaped. */
void add_string(struct text *out, const char *bytes, size_t length)
{
	add_bytes(out, "\"", 1);
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = bytes[i];

		if (byte < 32 || byte > 126 || byte == '"' || byte == '\\')
			add(out, "\\u%04x", byte);
		else
			add_bytes(out, bytes + i, 1);
	}
	add_bytes(out, "\"", 1);
}

void answer_errno(struct text *out, int error)
{
	out->length = 0;
	add(out, "{\"errno\":%d}", error);
}

/* Takes the next word off a line; NULL at its end. */
char *word(char **line)
{
	char *found = *line + strspn(*line, " ");
	size_t length = strcspn(found, " ");

	if (!length)
		return NULL;
	*line = found + length;
	if (**line)
		*(*line)++ = 0;
	return found;
}

uint64_t number(char **line, uint64_t otherwise)
{
	char *found = word(line);

	return found ? strtoull(found, NULL, 0) : otherwise;
}

/* Returns the length of a line without its end, -1 where there is none. One file is read this way by a process. */
int read_line(int fd, char *line, size_t room)
{
	static char held[LONGEST_LINE];
	static size_t from, to;
	size_t length = 0;

	while (length + 1 < room) {
		if (from == to) {
			ssize_t got = read(fd, held, sizeof(held));

			if (got < 0 && errno == EINTR)
				continue;
			if (got <= 0)
				return -1;
			from = 0;
			to = got;
		}
		if (held[from++] == '\n')
			break;
		line[length++] = held[from - 1];
	}
	line[length] = 0;
	return length;
}

int write_all(int fd, const char *bytes, size_t length)
{
	while (length) {
		ssize_t put = write(fd, bytes, length);

		if (put < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (put <= 0)
			return -1;
		bytes += put;
		length -= put;
	}
	return 0;
}

/* Returns what a file holds, to be freed; NULL, with errno, where it cannot be read. */
char *read_file(const char *path, size_t *length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct text all = { 0 };
	char part[16384];
	ssize_t got;

	if (fd < 0)
		return NULL;
	add_bytes(&all, "", 0);
	while ((got = read(fd, part, sizeof(part))) > 0)
		add_bytes(&all, part, got);
	if (got < 0) {
		int error = errno;

		close(fd);
		free(all.bytes);
		errno = error;
		return NULL;
	}
	close(fd);
	if (length)
		*length = all.length;
	return all.bytes;
}

/* Returns 0 or a positive errno. */
int write_file(const char *path, const char *value, int flags)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags);
	int error = 0;

	if (fd < 0)
		return errno;
	if (write(fd, value, strlen(value)) < 0)
		error = errno;
	close(fd);
	return error;
}
