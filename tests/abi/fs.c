// SPDX-License-Identifier: GPL-2.0-only
/* Files in RAM: open, read, write, names, directories, links, stat. */
#include <dirent.h>
#include <sys/uio.h>

#include "test.h"

#define DIR_ "/tmp/abi-fs"

static void content(void)
{
	int fd = open(DIR_ "/file", O_CREAT | O_EXCL | O_RDWR, 0640), other;
	char buf[16384];
	struct stat st;

	check(fd >= 0, "created");
	check_errno(open(DIR_ "/file", O_CREAT | O_EXCL | O_RDWR, 0640), EEXIST, "O_EXCL");
	check_eq(write(fd, "hello world", 11), 11, "write");
	check_eq(lseek(fd, 6, SEEK_SET), 6, "SEEK_SET");
	check(read(fd, buf, 100) == 5 && !memcmp(buf, "world", 5), "read to the end");
	check_eq(read(fd, buf, 100), 0, "end of file");
	check_eq(lseek(fd, -5, SEEK_END), 6, "SEEK_END");
	check_eq(lseek(fd, 1, SEEK_CUR), 7, "SEEK_CUR");
	check_errno(lseek(fd, -100, SEEK_CUR), EINVAL, "before the start");
	check_eq(lseek(fd, 10000, SEEK_SET), 10000, "beyond the end");
	check_eq(write(fd, "x", 1), 1, "a hole");
	check(pread(fd, buf, sizeof(buf), 0) == 10001 && !buf[5000] && buf[10000] == 'x' &&
	      !memcmp(buf, "hello", 5), "the hole is zero");
	check(!fstat(fd, &st) && st.st_size == 10001 && S_ISREG(st.st_mode) &&
	      (st.st_mode & 0777) == 0640 && st.st_nlink == 1, "fstat");
	check_eq(ftruncate(fd, 5), 0, "ftruncate");
	check_eq(ftruncate(fd, 8), 0, "and larger");
	check(pread(fd, buf, 100, 0) == 8 && !memcmp(buf, "hello\0\0\0", 8), "zeros there");
	other = open(DIR_ "/file", O_WRONLY | O_APPEND);
	check_eq(write(other, "!", 1), 1, "O_APPEND");
	check(pread(fd, buf, 100, 8) == 1 && *buf == '!', "at the end");
	check_errno(read(other, buf, 1), EBADF, "read of O_WRONLY");
	close(other);
	other = open(DIR_ "/file", O_RDWR | O_TRUNC);
	check(!fstat(other, &st) && st.st_size == 0, "O_TRUNC");
	close(other);
	check_errno(ftruncate(fd, -1), EINVAL, "negative size");
	close(fd);
}

static void names(void)
{
	char buf[64];
	struct stat st;
	int fd;

	check_eq(mkdir(DIR_ "/d", 0755), 0, "mkdir");
	check_errno(mkdir(DIR_ "/d", 0755), EEXIST, "again");
	check_eq(rename(DIR_ "/file", DIR_ "/d/g"), 0, "rename");
	check_errno(stat(DIR_ "/file", &st), ENOENT, "old name is gone");
	check_eq(symlink("d/g", DIR_ "/s"), 0, "symlink");
	check(readlink(DIR_ "/s", buf, sizeof(buf)) == 3 && !memcmp(buf, "d/g", 3), "readlink");
	check(!lstat(DIR_ "/s", &st) && S_ISLNK(st.st_mode), "lstat");
	check(!stat(DIR_ "/s", &st) && S_ISREG(st.st_mode), "stat follows");
	symlink("loop", DIR_ "/loop");
	check_errno(stat(DIR_ "/loop", &st), ELOOP, "a loop of links");
	check_errno(rmdir(DIR_ "/d"), ENOTEMPTY, "rmdir of a full one");
	check_errno(stat(DIR_ "/d/g/x", &st), ENOTDIR, "a file is no directory");
	check_errno(open(DIR_ "/d", O_RDWR), EISDIR, "a directory for writing");
	check_errno(unlink(DIR_ "/nope"), ENOENT, "unlink of nothing");
	fd = open(DIR_ "/d/g", O_RDWR);
	check_eq(unlink(DIR_ "/d/g"), 0, "unlink of an open file");
	check_eq(write(fd, "alive", 5), 5, "it lives on");
	check(!fstat(fd, &st) && st.st_nlink == 0 && st.st_size == 5, "without a name");
	close(fd);
	check_eq(rmdir(DIR_ "/d"), 0, "rmdir");
	check_errno(open(DIR_ "/d/../x", O_RDONLY), ENOENT, "through what is gone");
	memset(buf, 'n', sizeof(buf));
	check_errno(stat("", &st), ENOENT, "empty name");
	check_errno(stat((char *)8, &st), EFAULT, "name at address 8");
}

static void directories(void)
{
	char name[64], cwd[64];
	struct dirent *d;
	int i, n = 0, fd;
	DIR *dir;

	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), DIR_ "/entry-with-a-rather-long-name-%d", i);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	dir = opendir(DIR_);
	while ((d = readdir(dir)))
		n += !strncmp(d->d_name, "entry-", 6) && d->d_type == DT_REG;
	closedir(dir);
	check_eq(n, 300, "300 entries by getdents64");
	check_eq(chdir(DIR_), 0, "chdir");
	check(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, DIR_), "getcwd");
	check_eq(access("entry-with-a-rather-long-name-7", R_OK), 0, "relative name");
	fd = open("..", O_RDONLY | O_DIRECTORY);
	check_eq(faccessat(fd, "abi-fs/s", F_OK, 0), -1, "dangling link at a directory's descriptor");
	check_eq(unlinkat(fd, "abi-fs/s", 0), 0, "unlinkat");
	check_errno(open("entry-with-a-rather-long-name-7", O_DIRECTORY), ENOTDIR, "O_DIRECTORY");
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "entry-with-a-rather-long-name-%d", i);
		unlink(name);
	}
	unlink("loop");
	chdir("/");
	check_eq(rmdir(DIR_), 0, "all gone");
	close(fd);
}

static void devices(void)
{
	char buf[64];
	struct stat st;
	int fd = open("/dev/zero", O_RDWR), i, n = 0;

	memset(buf, 1, sizeof(buf));
	check(read(fd, buf, 64) == 64 && !buf[0] && !buf[63], "/dev/zero");
	close(fd);
	fd = open("/dev/null", O_RDWR);
	check(read(fd, buf, 1) == 0 && write(fd, buf, 64) == 64, "/dev/null");
	close(fd);
	fd = open("/dev/full", O_WRONLY);
	check_errno(write(fd, buf, 1), ENOSPC, "/dev/full");
	close(fd);
	fd = open("/dev/urandom", O_RDONLY);
	memset(buf, 0, sizeof(buf));
	check_eq(read(fd, buf, 64), 64, "/dev/urandom");
	for (i = 0; i < 64; i++)
		n += buf[i] != 0;
	check(n > 48, "not zeros");
	close(fd);
	check(!stat("/dev/null", &st) && S_ISCHR(st.st_mode) && st.st_rdev == 0x103, "stat of a device");
}

int main(void)
{
	check_eq(mkdir(DIR_, 0700), 0, "a folder to work in");
	content();
	names();
	directories();
	devices();
	return report();
}
