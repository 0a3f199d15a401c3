/* The first process: mounts, loads modules, answers commands for the machine and hands others to workers. */
#define _GNU_SOURCE
#include "guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRACING "/sys/kernel/tracing/"

static struct worker {
	pid_t pid;
	int commands, answers;
} workers[MOST_WORKERS];

/* ---- workers ---- */

static int spawn(unsigned id, const char *cgroup, int cpu)
{
	int to[2], from[2];
	char path[160];

	if (id >= MOST_WORKERS || workers[id].pid || !cgroup)
		return EINVAL;
	snprintf(path, sizeof(path), "/cg/%s", cgroup);
	int in = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (in < 0 || pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		return errno;
	/* Born in its cgroup: moving a process there later has to wait for all CPUs. */
	struct clone_args how = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = in };
	pid_t made = syscall(SYS_clone3, &how, sizeof(how));

	if (made < 0)
		return errno;
	if (!made) {
		close(to[1]);
		close(from[0]);
		worker_main(to[0], from[1], cpu);
	}
	close(in);
	close(to[0]);
	close(from[1]);
	setpgid(made, made);
	workers[id] = (struct worker){ .pid = made, .commands = to[1], .answers = from[0] };
	return 0;
}

/* A worker's child is the first process's when the worker has ended; both are waited for. */
static int end_worker(unsigned id)
{
	if (id >= MOST_WORKERS)
		return EINVAL;
	if (workers[id].pid) {
		kill(-workers[id].pid, SIGKILL);
		while (waitpid(-workers[id].pid, NULL, 0) > 0)
			;
		close(workers[id].commands);
		close(workers[id].answers);
		workers[id].pid = 0;
	}
	return 0;
}

/* Answers that a worker gave go out as they are; one that died leaves its wait status. */
static void collect(struct text *out, unsigned id)
{
	char part[65536];
	ssize_t got;

	out->length = 0;
	while ((got = read(workers[id].answers, part, sizeof(part))) > 0) {
		add_bytes(out, part, got);
		if (out->bytes[out->length - 1] == '\n') {
			out->bytes[--out->length] = 0;
			return;
		}
	}
	int status = 0;

	waitpid(workers[id].pid, &status, 0);
	workers[id].pid = 0;
	out->length = 0;
	add(out, "{\"errno\":%d,\"died\":%d}", ESRCH, status);
}

static void to_worker(struct text *out, char *line)
{
	char kind = *line;
	unsigned id = strtoul(line + 1, &line, 10);

	answer_errno(out, 0);
	if (id >= MOST_WORKERS || !workers[id].pid) {
		answer_errno(out, ESRCH);
		return;
	}
	if (kind != '?') {
		size_t length = strlen(line);

		line[length] = '\n';
		write_all(workers[id].commands, line, length + 1);
	}
	if (kind != '&')
		collect(out, id);
}

/* ---- the machine ---- */

static void counters(struct text *out)
{
	add(out, "{");
	int error = add_counters(out);

	add(out, ",\"errno\":%d}", error);
}

static int make_swap(const char *device)
{
	static unsigned char header[PAGE];
	int fd = open(device, O_RDWR | O_CLOEXEC);
	uint64_t size = 0;
	uint32_t *fields = (uint32_t *)(header + 1024);

	if (fd < 0)
		return errno;
	if (ioctl(fd, BLKGETSIZE64, &size))
		return errno;
	fields[0] = 1;
	fields[1] = size / PAGE - 1;
	memcpy(header + PAGE - 10, "SWAPSPACE2", 10);
	ssize_t put = pwrite(fd, header, PAGE, 0);

	fsync(fd);
	close(fd);
	return put == PAGE ? 0 : EIO;
}

/* A child of a worker that was killed may still be on its way out. */
static int remove_cgroup(const char *path)
{
	for (int i = 0; i < 1000; i++) {
		if (!rmdir(path))
			return 0;
		if (errno != EBUSY)
			return errno;
		usleep(1000);
	}
	return EBUSY;
}

static int load_module(const char *path, const char *arguments)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int error;

	if (fd < 0)
		return errno;
	error = syscall(SYS_finit_module, fd, arguments, 0) ? errno : 0;
	close(fd);
	return error;
}

static void list(struct text *out, const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	const char *comma = "";

	if (!directory) {
		answer_errno(out, errno);
		return;
	}
	add(out, "{\"errno\":0,\"names\":[");
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		add_bytes(out, comma, strlen(comma));
		add_string(out, entry->d_name, strlen(entry->d_name));
		comma = ",";
	}
	closedir(directory);
	add(out, "]}");
}

static void get(struct text *out, const char *path)
{
	size_t length;
	char *text = read_file(path, &length);

	if (!text) {
		answer_errno(out, errno);
		return;
	}
	add(out, "{\"errno\":0,\"text\":");
	add_string(out, text, length);
	add_bytes(out, "}", 1);
	free(text);
}

/* trace: takes what the ring buffer of tracefs holds. */
static void trace(struct text *out)
{
	static int pipe = -1;
	static char part[65536];
	struct text all = { 0 };
	ssize_t got;

	if (pipe < 0)
		pipe = open(TRACING "trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	add_bytes(&all, "", 0);
	while (pipe >= 0 && (got = read(pipe, part, sizeof(part))) > 0)
		add_bytes(&all, part, got);
	add(out, "{\"errno\":0,\"text\":");
	add_string(out, all.bytes, all.length);
	add_bytes(out, "}", 1);
	free(all.bytes);
}

/* symbol NAME: the address that the kernel has it at. */
static void symbol(struct text *out, const char *name)
{
	char *text = read_file("/proc/kallsyms", NULL), *rest_of = NULL;

	answer_errno(out, ENOENT);
	for (char *line = strtok_r(text, "\n", &rest_of); line; line = strtok_r(NULL, "\n", &rest_of)) {
		size_t length = strlen(name);

		if (strlen(line) > 19 && !strncmp(line + 19, name, length) && strchr("\t", line[19 + length])) {
			out->length = 0;
			add(out, "{\"errno\":0,\"address\":\"%.16s\"}", line);
		}
	}
	free(text);
}

static void name_kernel(struct text *out)
{
	struct utsname names;

	uname(&names);
	add(out, "{\"errno\":0,\"release\":\"%s\",\"version\":\"%s\"}", names.release, names.version);
}

/* Writes a value; what the kernel does for that is not interrupted by threads which it wakes for later work. */
static int put(const char *path, const char *value, int flags)
{
	struct sched_param first = { .sched_priority = 1 }, any = { 0 };

	sched_setscheduler(0, SCHED_FIFO, &first);
	int error = write_file(path, value, flags);

	sched_setscheduler(0, SCHED_OTHER, &any);
	return error;
}

/* Commands that are answered by an errno alone; -1 for any other. */
static int of_machine(const char *name, char *line)
{
	char *rest_of = line, *first = word(&rest_of);

	if (!strcmp(name, "rest"))
		return rest();
	if (!strcmp(name, "forget"))
		return forget();
	if (!first)
		return -1;
	if (!strcmp(name, "put") || !strcmp(name, "append"))
		return put(first, rest_of, name[0] == 'a' ? O_APPEND : 0);
	if (!strcmp(name, "mkdir"))
		return mkdir(first, 0755) ? errno : 0;
	if (!strcmp(name, "rmdir"))
		return remove_cgroup(first);
	if (!strcmp(name, "mkswap"))
		return make_swap(first);
	if (!strcmp(name, "swapon"))
		return swapon(first, 0) ? errno : 0;
	if (!strcmp(name, "swapoff"))
		return swapoff(first) ? errno : 0;
	if (!strcmp(name, "kill"))
		return end_worker(strtoul(first, NULL, 10));
	if (!strcmp(name, "sleep"))
		return usleep(strtoul(first, NULL, 10));
	if (!strcmp(name, "spawn")) {
		char *cgroup = word(&rest_of);

		return spawn(strtoul(first, NULL, 10), cgroup, number(&rest_of, 0));
	}
	if (!strcmp(name, "watch"))
		return watch(first, rest_of);
	return -1;
}

static void answer(struct text *out, char *line)
{
	out->length = 0;
	add_bytes(out, "", 0);
	if (strchr("@&?", line[0]) && line[0]) {
		to_worker(out, line);
		return;
	}
	char *name = word(&line);

	if (!name) {
		answer_errno(out, EINVAL);
	} else if (!strcmp(name, "counters")) {
		counters(out);
	} else if (!strcmp(name, "trace")) {
		trace(out);
	} else if (!strcmp(name, "uname")) {
		name_kernel(out);
	} else if (!strcmp(name, "get")) {
		get(out, line);
	} else if (!strcmp(name, "list")) {
		list(out, line);
	} else if (!strcmp(name, "symbol")) {
		symbol(out, line);
	} else {
		int error = of_machine(name, line);

		answer_errno(out, error < 0 ? ENOSYS : error);
	}
}

/* ---- the start ---- */

static void mount_all(void)
{
	static const char *const mounts[][2] = {
		{ "proc", "/proc" }, { "sysfs", "/sys" }, { "devtmpfs", "/dev" }, { "cgroup2", "/cg" },
		{ "debugfs", "/sys/kernel/debug" }, { "tracefs", "/sys/kernel/tracing" },
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		/* Processes are put into new cgroups all the time; kernels before 6.0 do not know the word. */
		const char *options = strcmp(mounts[i][0], "cgroup2") ? NULL : "favordynmods";

		mkdir(mounts[i][1], 0755);
		if (mount(mounts[i][0], mounts[i][1], mounts[i][0], 0, options) && options)
			mount(mounts[i][0], mounts[i][1], mounts[i][0], 0, NULL);
	}
}

/* /modules.list names a module a line, with its arguments, in the order to load them. */
static void load_modules(void)
{
	char *text = read_file("/modules.list", NULL), *rest_of = NULL;
	char path[256];

	for (char *line = text ? strtok_r(text, "\n", &rest_of) : NULL; line; line = strtok_r(NULL, "\n", &rest_of)) {
		char *name = word(&line);

		snprintf(path, sizeof(path), "/modules/%s", name);
		int error = load_module(path, line);

		if (error && error != EEXIST)
			printf("guest: module %s: %s\n", name, strerror(error));
	}
	free(text);
}

/* The port appears a little after its driver. */
static int open_port(void)
{
	for (int i = 0; i < 5000; i++) {
		int fd = open("/dev/vport0p1", O_RDWR | O_CLOEXEC);

		if (fd >= 0)
			return fd;
		usleep(2000);
	}
	return -1;
}

static void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
}

/* A line has one command or several with tabs between; its answer is an array with one for each. */
static void answer_line(struct text *out, char *line)
{
	static struct text one;
	const char *before = "[";

	out->length = 0;
	for (char *command = line, *next; command; command = next) {
		next = strchr(command, '\t');
		if (next)
			*next++ = 0;
		answer(&one, command);
		add_bytes(out, before, 1);
		add_bytes(out, one.bytes, one.length);
		before = ",";
	}
	add_bytes(out, "]\n", 2);
}

/* Answers until the other side closes the port. Lines may arrive several at a time. */
static void serve(int port)
{
	static char buffer[1 << 16];
	struct text out = { 0 };
	size_t have = 0;
	ssize_t got;

	while ((got = read(port, buffer + have, sizeof(buffer) - have)) != 0) {
		if (got < 0)
			continue;
		have += got;
		char *line = buffer, *end;

		while ((end = memchr(line, '\n', buffer + have - line))) {
			*end = 0;
			answer_line(&out, line);
			write_all(port, out.bytes, out.length);
			line = end + 1;
		}
		have -= line - buffer;
		memmove(buffer, line, have);
		if (have == sizeof(buffer))
			have = 0;
	}
}

int main(void)
{
	cpu_set_t first;

	/* What the kernel does for commands without a worker (memory.reclaim, swapoff) it does on the first CPU. */
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	sched_setaffinity(0, sizeof(first), &first);
	setvbuf(stdout, NULL, _IONBF, 0);
	signal(SIGPIPE, SIG_IGN);
	/* Large folios are for the pages that are looked at; workers allow them for themselves again. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	gate = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mount_all();
	load_modules();
	int port = open_port();

	if (port < 0) {
		printf("guest: no virtio-serial port: its driver is neither built in nor among the modules\n");
	} else {
		write_all(port, "[]\n", 3);
		serve(port);
	}
	power_off();
	return 0;
}
