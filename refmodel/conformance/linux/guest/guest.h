/*
 * The first process of a virtual machine in which a Linux kernel is driven page by page.
 *
 * Every line that arrives on the virtio-serial port has commands with tabs between and is answered by one line: an
 * array of JSON objects, one for each command, in which "errno" is 0 or the positive error. main.c answers for the
 * machine, worker.c for the memory of one process; counters.c and text.c have what both need.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stddef.h>
#include <stdint.h>

#define PAGE 4096UL
#define MOST_WORKERS 8
#define LONGEST_LINE 4096

/* A text that grows. */
struct text {
	char *bytes;
	size_t length, room;
};

void add(struct text *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void add_bytes(struct text *out, const char *bytes, size_t length);
void add_string(struct text *out, const char *bytes, size_t length);
void answer_errno(struct text *out, int error);
char *word(char **line);
uint64_t number(char **line, uint64_t otherwise);
int read_line(int fd, char *line, size_t room);
int write_all(int fd, const char *bytes, size_t length);
char *read_file(const char *path, size_t *length);
int write_file(const char *path, const char *value, int flags);

/* Takes what is watched from PATH, and of a file with names the KEYS: adds PREFIX and the name to them. */
int watch(const char *prefix, char *line);
int forget(void);

/* Waits until nothing is under writeback and nothing else runs; returns ETIMEDOUT after two seconds. */
int rest(void);

/* Adds the values of everything that is watched, as "counters", after such a wait; returns its error. */
int add_counters(struct text *out);

/* How many workers have ever come to the gate; all of them share it. */
extern unsigned *gate;

void worker_main(int commands, int answers, int cpu) __attribute__((noreturn));

#endif
