// SPDX-License-Identifier: GPL-2.0-only
/* Files and names: path walks, directories, links, sizes, memfd and seals, UNIX sockets, FIFOs, /proc/self/fd. */
#include <dirent.h>
#include <limits.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "test.h"

#define DIR_PATH	"/tmp/files-test"

static void put_file(const char *path, const char *text)
{
	int fd = must(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));

	must(write(fd, text, strlen(text)));
	close(fd);
}

static void names(void)
{
	char buf[300], longname[300], cwd[100];
	struct stat st;

	check_eq(mkdir("d", 0755), 0, "mkdir");
	check_errno(mkdir("d", 0755), EEXIST, "mkdir again");
	check_errno(mkdir(".", 0755), EEXIST, "mkdir .");
	check_errno(mkdir("no/d", 0755), ENOENT, "mkdir without parent");
	check_eq(mkdir("d/e/", 0755), 0, "mkdir with a slash at the end");
	put_file("f", "hello");
	check_errno(open("f/", O_RDONLY), ENOTDIR, "file with a slash");
	check_errno(open("f/x", O_RDONLY), ENOTDIR, "file as directory");
	check_errno(open("new/", O_CREAT | O_WRONLY, 0644), EISDIR, "create with a slash");
	check_errno(open("f", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST, "O_EXCL");
	check_errno(open("d", O_WRONLY), EISDIR, "write to a directory");
	check_errno(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR, "O_DIRECTORY");
	check_errno(open("", O_RDONLY), ENOENT, "empty path");
	memset(longname, 'a', sizeof(longname) - 1);
	longname[sizeof(longname) - 1] = 0;
	check_errno(open(longname, O_RDONLY), ENAMETOOLONG, "name of 299");
	check_eq(symlink("../f", "d/l"), 0, "symlink");
	check_eq(readlink("d/l", buf, sizeof(buf)), 4, "readlink");
	check_errno(readlink("f", buf, sizeof(buf)), EINVAL, "readlink of a file");
	check(!stat("d/l", &st) && S_ISREG(st.st_mode) && st.st_size == 5, "stat follows");
	check(!lstat("d/l", &st) && S_ISLNK(st.st_mode) && st.st_size == 4, "lstat does not");
	check_errno(open("d/l", O_RDONLY | O_NOFOLLOW), ELOOP, "O_NOFOLLOW");
	must(symlink("loop", "loop"));
	check_errno(open("loop", O_RDONLY), ELOOP, "a loop");
	must(symlink("made", "dangling"));
	put_file("dangling", "x");
	check_eq(access("made", F_OK), 0, "created through a link");
	check_eq(link("f", "g"), 0, "link");
	check(!stat("g", &st) && st.st_nlink == 2, "two names");
	check_errno(link("d", "h"), EPERM, "link of a directory");
	check_errno(rmdir("d"), ENOTEMPTY, "rmdir of a full one");
	check_errno(unlink("d"), EISDIR, "unlink of a directory");
	check_errno(rmdir("f"), ENOTDIR, "rmdir of a file");
	check_eq(rename("f", "d/f2"), 0, "rename");
	check_errno(rename("f", "x"), ENOENT, "rename of nothing");
	check_errno(rename("d", "d/e/d"), EINVAL, "rename into itself");
	check_errno(rename("g", "d"), EISDIR, "rename over a directory");
	check_errno(rename("d", "g"), ENOTDIR, "rename of a directory over a file");
	check_eq(chdir("d/e/.."), 0, "chdir");
	check(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, DIR_PATH "/d"), "getcwd");
	check_errno(syscall(SYS_getcwd, cwd, 3), ERANGE, "getcwd: short buffer");
	check(!stat("../g", &st), "..");
	must(chdir(DIR_PATH));
	check_errno(access("d/f2", X_OK), EACCES, "access: not executable");
	must(chmod("d/f2", 0700));
	check_eq(access("d/f2", X_OK), 0, "chmod");
	check_errno(faccessat(AT_FDCWD, "f", F_OK, 0), ENOENT, "faccessat");
}

static void listing(void)
{
	struct dirent *e;
	char name[300];
	int i, n = 0, dots = 0, again = 0;
	DIR *d;

	must(mkdir("many", 0755));
	for (i = 0; i < 300; i++) {
		sprintf(name, "many/%d", i);
		put_file(name, "");
	}
	d = opendir("many");
	check(d != NULL, "opendir");
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.') {
			dots++;
			continue;
		}
		n++;
		/* removing while reading loses nothing else */
		sprintf(name, "many/%s", e->d_name);
		unlink(name);
	}
	check_eq(n, 300, "all entries");
	check_eq(dots, 2, "and two dots");
	rewinddir(d);
	while (readdir(d))
		again++;
	check_eq(again, 2, "rewinddir");
	closedir(d);
	check_eq(rmdir("many"), 0, "now empty");
	check_errno(syscall(SYS_getdents64, 0, name, 8), ENOTDIR, "getdents of no directory");
}

static void contents(void)
{
	char buf[64];
	struct iovec v[2] = { { buf, 3 }, { buf + 3, 10 } };
	struct stat st;
	int fd = must(open("c", O_RDWR | O_CREAT, 0600)), fd2;
	off_t off = 2;

	check_eq(write(fd, "0123456789", 10), 10, "write");
	check_eq(lseek(fd, 0, SEEK_CUR), 10, "position");
	check_eq(pread(fd, buf, 4, 3), 4, "pread");
	check(!memcmp(buf, "3456", 4), "its bytes");
	check_eq(read(fd, buf, 4), 0, "end");
	check_eq(lseek(fd, -4, SEEK_END), 6, "SEEK_END");
	check_eq(readv(fd, v, 2), 4, "readv");
	check(!memcmp(buf, "6789", 4), "its bytes");
	check_errno(lseek(fd, -1, SEEK_SET), EINVAL, "negative position");
	check_errno(lseek(fd, 0, 77), EINVAL, "unknown whence");
	check_eq(pwrite(fd, "x", 1, 100000), 1, "write behind the end");
	check(!fstat(fd, &st) && st.st_size == 100001, "size");
	check(pread(fd, buf, 2, 50000) == 2 && !buf[0] && !buf[1], "a hole reads as zero");
	check_eq(lseek(fd, 0, SEEK_HOLE), 4096, "SEEK_HOLE");
	check_eq(ftruncate(fd, 5), 0, "ftruncate");
	check_eq(ftruncate(fd, 8), 0, "and longer");
	check(pread(fd, buf, 20, 0) == 8 && !memcmp(buf, "01234\0\0\0", 8), "cut off is zero");
	check_errno(ftruncate(fd, -1), EINVAL, "negative size");
	check_eq(fallocate(fd, 0, 0, 10000), 0, "fallocate");
	check(!fstat(fd, &st) && st.st_size == 10000, "its size");
	check_eq(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1, 3), 0, "punch");
	check(pread(fd, buf, 5, 0) == 5 && !memcmp(buf, "0\0\0\0" "4", 5), "punched");
	check_errno(fallocate(fd, 0x40, 0, 1), EOPNOTSUPP, "unknown mode");
	fd2 = must(open("c", O_WRONLY | O_APPEND));
	check_errno(read(fd2, buf, 1), EBADF, "read of a write-only file");
	check_eq(write(fd2, "end", 3), 3, "append");
	check(pread(fd, buf, 4, 9999) == 4 && !memcmp(buf + 1, "end", 3), "at the end");
	must(ftruncate(fd, 0));
	must(pwrite(fd, "0123456789", 10, 0));
	check_errno(sendfile(fd2, fd, &off, 3), EINVAL, "sendfile to an appending file");
	close(fd2);
	fd2 = must(open("c", O_WRONLY));
	must(lseek(fd2, 0, SEEK_END));
	check_eq(sendfile(fd2, fd, &off, 3), 3, "sendfile");
	check_eq(off, 5, "its offset");
	check(pread(fd, buf, 20, 0) == 13 && !memcmp(buf + 10, "234", 3), "its bytes");
	close(fd2);
	close(fd);
	check_errno(truncate("d", 1), EISDIR, "truncate of a directory");
	check_errno(read(fd, buf, 1), EBADF, "closed");
	check_errno(syscall(SYS_write, 1, 8, 4), EFAULT, "write from nowhere");
}

/* As many bytes as fit before the hole at @p + @room; how many of them Linux copies is its affair, none is not. */
static bool up_to_hole(long r, long room)
{
	return r > 0 && r <= room;
}

/* A range of which only the beginning is there: the bytes before the hole are read or written, and the position says so. */
static void buffers_with_holes(void)
{
	char *m = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *at = m + 4096 - 512;
	int fd = must(open("holes", O_RDWR | O_CREAT | O_TRUNC, 0600)), zero = must(open("/dev/zero", O_RDONLY));
	struct iovec v[2] = { { m + 8192, 256 }, { at, 1024 } };
	char data[1024], back[1024];
	int ends[2], proc;
	struct stat st;
	long r;

	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7 + 1);
	must(munmap(m + 4096, 4096));
	check_eq(write(fd, data, sizeof(data)), sizeof(data), "something to read");
	r = pread(fd, at, 1024, 0);
	check(up_to_hole(r, 512) && !memcmp(at, data, r), "pread up to the hole");
	lseek(fd, 0, SEEK_SET);
	r = read(fd, at, 1024);
	check(up_to_hole(r, 512) && lseek(fd, 0, SEEK_CUR) == r, "read, and the position has moved by as much");
	r = preadv(fd, v, 2, 0);
	check(up_to_hole(r - 256, 512) && !memcmp(m + 8192, data, 256) && !memcmp(at, data + 256, r - 256), "preadv");
	check_errno(pread(fd, m + 4096, 16, 0), EFAULT, "only the hole");
	r = read(zero, at, 1024);
	check(up_to_hole(r, 512), "/dev/zero");
	r = syscall(SYS_getrandom, at, 1024, 0);
	check(up_to_hole(r, 512), "getrandom");
	proc = must(open("/proc/self/maps", O_RDONLY));
	r = read(proc, m + 4096 - 16, 64);
	check(up_to_hole(r, 16), "a file of /proc");

	memcpy(at, data, 512);
	must(ftruncate(fd, 0));
	r = pwrite(fd, at, 1024, 100);
	check(up_to_hole(r, 512), "pwrite up to the hole");
	must(fstat(fd, &st));
	check_eq(st.st_size, 100 + r, "the file ends there");
	check(pread(fd, back, sizeof(back), 100) == r && !memcmp(back, data, r), "with these bytes");
	check_errno(pwrite(fd, m + 4096, 16, 5000), EFAULT, "nothing to write");
	must(fstat(fd, &st));
	check_eq(st.st_size, 100 + r, "and the file is no longer");

	must(pipe(ends));
	check_eq(write(ends[1], data, 1024), 1024, "a pipe");
	check_errno(read(ends[0], at, 1024), EFAULT, "takes no part of it");
	check(read(ends[0], back, 1024) == 1024 && !memcmp(back, data, 1024), "and loses nothing");
	check_errno(write(ends[1], at, 1024), EFAULT, "nor is a part given");
	munmap(m, 12288);
	close(ends[0]);
	close(ends[1]);
	close(proc);
	close(zero);
	close(fd);
}

static void memfds(void)
{
	char path[64], buf[16];
	int fd = must(memfd_create("mine", MFD_ALLOW_SEALING | MFD_CLOEXEC)), other;
	char *p;

	check_eq(ftruncate(fd, 8192), 0, "memfd");
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(p != MAP_FAILED, "mmap");
	strcpy(p + 4090, "across a page");
	check(pread(fd, buf, 13, 4090) == 13 && !memcmp(buf, "across a page", 13), "mapping and file agree");
	check_eq(pwrite(fd, "Z", 1, 4090), 1, "pwrite");
	check_eq(p[4090], 'Z', "seen in the mapping");
	check_errno(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY, "no seal against writing while it is mapped");
	must(mprotect(p, 8192, PROT_READ));
	check_errno(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY, "nor while it could be made writable");
	munmap(p, 4096);
	check_errno(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY, "nor while half of it is");
	munmap(p, 8192);
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	sprintf(path, "/proc/self/fd/%d", fd);
	other = must(open(path, O_RDWR));
	check(pread(other, buf, 1, 4090) == 1 && buf[0] == 'Z', "opened again through /proc");
	check(readlink(path, buf, 12) == 12 && !memcmp(buf, "/memfd:mine ", 12), "its name");
	close(other);
	check_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0, "seals, with a private mapping");
	munmap(p, 8192);
	check_errno(ftruncate(fd, 100), EPERM, "F_SEAL_SHRINK");
	check_errno(ftruncate(fd, 10000), EPERM, "F_SEAL_GROW");
	check_errno(pwrite(fd, "a", 1, 0), EPERM, "F_SEAL_WRITE");
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	check_errno(mprotect(p, 4096, PROT_READ | PROT_WRITE), EACCES, "nor by mprotect later");
	munmap(p, 4096);
	check_errno(mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_GROWSDOWN, fd, 0), EINVAL,
		    "files do not grow down");
	check_errno(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM, "not mapped for writing");
	check_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0, "F_SEAL_SEAL");
	check_errno(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), EPERM, "no more seals");
	close(fd);
	fd = must(memfd_create("plain", 0));
	check_errno(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM, "not sealable");
	close(fd);
	check_errno(memfd_create("x", 0x1000), EINVAL, "unknown flag");
}

static int send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec v = { "F", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(sock, &m, MSG_DONTWAIT);
}

static int recv_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, b;
	struct iovec v = { &b, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	int fd = -1;

	if (recvmsg(sock, &m, 0) != 1)
		return -1;
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* What is on its way in sockets is in nobody's table: there is a limit, and what comes back counts as free again. */
static void in_flight(void)
{
	int s[2], n = 0, fd = must(dup(0));
	struct stat st, st2;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	while (n < 30000 && send_fd(s[0], fd) == 1)
		n++;
	printf("# %d descriptors in flight, then errno %d\n", n, errno);
	check(n == 30000 || errno == ETOOMANYREFS || errno == EAGAIN, "descriptors in flight");
	close(recv_fd(s[1]));
	check(send_fd(s[0], fd) == 1 || n == 30000, "one received, one more sent");
	close(s[0]);
	close(s[1]);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	check_eq(send_fd(s[0], fd), 1, "all free once the sockets are gone");
	must(fstat(s[0], &st));
	must(fstat(s[1], &st2));
	check(st.st_ino != st2.st_ino && st.st_ino < 1UL << 40, "inode numbers of their own");
	close(s[0]);
	close(s[1]);
	close(fd);
}

static void sockets(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = DIR_PATH "/sock" };
	int s[2], l, c, d, fd, p[2];
	struct pollfd pf;
	char buf[16];

	check_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0, "socketpair");
	check_eq(write(s[0], "ping", 4), 4, "write");
	check_eq(recv(s[1], buf, 16, MSG_PEEK), 4, "MSG_PEEK");
	check_eq(read(s[1], buf, 16), 4, "read");
	check_errno(recv(s[1], buf, 1, MSG_DONTWAIT), EAGAIN, "empty");
	must(pipe(p));
	check_eq(send_fd(s[0], p[1]), 1, "send a descriptor");
	fd = recv_fd(s[1]);
	check(fd >= 0, "receive it");
	check(write(fd, "q", 1) == 1 && read(p[0], buf, 1) == 1 && buf[0] == 'q', "it works");
	close(fd);
	check_eq(shutdown(s[0], SHUT_WR), 0, "shutdown");
	check_eq(read(s[1], buf, 1), 0, "end of file");
	check_eq(write(s[1], "x", 1), 1, "the other way goes on");
	close(s[0]);
	check_errno(send(s[1], "x", 1, MSG_NOSIGNAL), EPIPE, "peer gone");
	pf = (struct pollfd){ s[1], POLLIN, 0 };
	check(poll(&pf, 1, 0) == 1 && (pf.revents & POLLHUP), "POLLHUP");
	close(s[1]);

	l = must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	c = must(socket(AF_UNIX, SOCK_STREAM, 0));
	check_errno(connect(c, (void *)&a, sizeof(a)), ENOENT, "connect to nothing");
	check_eq(bind(l, (void *)&a, sizeof(a)), 0, "bind");
	check_errno(connect(c, (void *)&a, sizeof(a)), ECONNREFUSED, "not listening");
	check_eq(listen(l, 2), 0, "listen");
	check_eq(connect(c, (void *)&a, sizeof(a)), 0, "connect");
	pf = (struct pollfd){ l, POLLIN, 0 };
	check_eq(poll(&pf, 1, 0), 1, "listener readable");
	d = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	check(d >= 0, "accept");
	check(write(c, "hi", 2) == 2 && read(d, buf, 2) == 2, "talk");
	check_errno(bind(must(socket(AF_UNIX, SOCK_STREAM, 0)), (void *)&a, sizeof(a)), EADDRINUSE, "bind again");
	close(c);
	check_eq(read(d, buf, 1), 0, "closed by the peer");
	close(d);
	close(l);
	check_errno(socket(77, SOCK_STREAM, 0), EAFNOSUPPORT, "unknown family");
}

static int fifo_writer(void)
{
	int fd = open("fifo", O_WRONLY);

	return fd >= 0 && write(fd, "through", 7) == 7 ? 0 : 1;
}

static void fifos(void)
{
	char buf[16];
	int fd, status;
	pid_t pid;

	check_eq(mkfifo("fifo", 0600), 0, "mkfifo");
	check_errno(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO, "no reader");
	pid = must(fork());
	if (!pid)
		_exit(fifo_writer());
	fd = must(open("fifo", O_RDONLY));
	check(read(fd, buf, 16) == 7 && !memcmp(buf, "through", 7), "through a FIFO");
	check_eq(read(fd, buf, 1), 0, "its end");
	waitpid(pid, &status, 0);
	check_eq(status, 0, "writer");
	close(fd);
}

static void signalfds(void)
{
	struct signalfd_siginfo si;
	struct pollfd p;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	must(sigprocmask(SIG_BLOCK, &set, NULL));
	fd = must(signalfd(-1, &set, SFD_NONBLOCK));
	check_errno(read(fd, &si, sizeof(si)), EAGAIN, "signalfd: nothing");
	p = (struct pollfd){ fd, POLLIN, 0 };
	must(kill(getpid(), SIGUSR1));
	check_eq(poll(&p, 1, 1000), 1, "signalfd readable");
	check(read(fd, &si, sizeof(si)) == sizeof(si) && si.ssi_signo == SIGUSR1 && si.ssi_pid == (unsigned)getpid(),
	      "which signal and whose");
	check_eq(poll(&p, 1, 0), 0, "taken");
	close(fd);
}

static void many_descriptors(void)
{
	int fd, i, base = must(open("/dev/null", O_RDONLY));
	struct stat st;

	for (i = 0; i < 500; i++)
		must(dup(base));
	fd = must(fcntl(base, F_DUPFD_CLOEXEC, 700));
	check(fd >= 700, "F_DUPFD");
	check_eq(fcntl(fd, F_GETFD), FD_CLOEXEC, "its flag");
	check_eq(syscall(SYS_close_range, base + 1, ~0U, 0), 0, "close_range");
	check_errno(fstat(fd, &st), EBADF, "all closed");
	check_eq(dup2(base, 90), 90, "dup2");
	check_eq(dup2(90, 90), 90, "dup2 onto itself");
	check(!fstat(90, &st) && S_ISCHR(st.st_mode) && st.st_rdev == 0x103, "/dev/null's number");
	close(90);
	close(base);
	check_errno(fcntl(90, F_GETFD), EBADF, "fcntl of a closed one");
}

int main(void)
{
	must(system("rm -rf " DIR_PATH));	/* the same test in another build has run before */
	must(mkdir(DIR_PATH, 0755));
	must(chdir(DIR_PATH));
	signal(SIGPIPE, SIG_IGN);
	names();
	listing();
	contents();
	buffers_with_holes();
	memfds();
	sockets();
	in_flight();
	fifos();
	signalfds();
	many_descriptors();
	return report();
}
