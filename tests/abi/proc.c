// SPDX-License-Identifier: GPL-2.0-only
/* Processes: fork, exec, wait, groups, inheritance. */
#include <sys/resource.h>

#include "test.h"

static int simple(void)
{
	return 7;
}

static volatile int chld;
static volatile siginfo_t chld_info;

static void on_chld(int sig, siginfo_t *info, void *ctx)
{
	chld++;
	memcpy((void *)&chld_info, info, sizeof(chld_info));
}

static void waiting(void)
{
	struct sigaction sa = { .sa_sigaction = on_chld, .sa_flags = SA_SIGINFO | SA_RESTART };
	siginfo_t info = { };
	struct rusage ru;
	int status, told[2];
	pid_t pid;

	check_eq(in_child(simple), 7, "exit status");
	check_errno(wait(NULL), ECHILD, "no children");
	must(pipe(told));
	pid = must(fork());
	if (!pid) {
		read(told[0], &status, 1);
		_exit(3);
	}
	check_eq(waitpid(pid, &status, WNOHANG), 0, "WNOHANG");
	write(told[1], "x", 1);
	check_eq(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0, "waitid, WNOWAIT");
	check(info.si_pid == pid && info.si_status == 3 && info.si_code == CLD_EXITED, "its info");
	check_eq(wait4(pid, &status, 0, &ru), pid, "wait4 of the zombie");
	check_eq(WEXITSTATUS(status), 3, "status");
	check_errno(waitpid(pid, &status, 0), ECHILD, "gone");
	sigaction(SIGCHLD, &sa, NULL);
	pid = must(fork());
	if (!pid)
		_exit(9);
	waitpid(pid, &status, 0);
	check(chld == 1 && chld_info.si_pid == pid && chld_info.si_status == 9, "SIGCHLD");
	signal(SIGCHLD, SIG_IGN);
	pid = must(fork());
	if (!pid)
		_exit(0);
	check_errno(waitpid(pid, &status, 0), ECHILD, "ignored SIGCHLD: no zombie");
	signal(SIGCHLD, SIG_DFL);
}

static int orphan(void)
{
	int fds[2];
	pid_t parent;
	char ok = 'n';

	must(pipe(fds));
	if (!fork()) {
		parent = getpid();
		if (!fork()) {
			while (getppid() == parent)
				msleep(5);
			write(fds[1], getppid() ? "y" : "z", 1);
			_exit(0);
		}
		_exit(0);
	}
	wait(NULL);
	read(fds[0], &ok, 1);
	return ok == 'y' ? 0 : 1;
}

static int do_exec(char *const argv[], char *const envp[])
{
	pid_t pid = must(fork());
	int status;

	if (!pid) {
		execve("/proc/self/exe", argv, envp);
		_exit(99);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void exec(void)
{
	char *argv[] = { "proc", "--child", "", "two words", NULL };
	char *envp[] = { "A=1", "B=", NULL };
	char *big[3000], arg[64], **nowhere = (char **)8;
	int i, keep, lose, fd;
	pid_t pid;

	check_eq(do_exec(argv, envp), 42, "exec: arguments and environment");
	snprintf(arg, sizeof(arg), "%063d", 0);
	for (i = 0; i < 2998; i++)
		big[i] = arg;
	big[0] = "proc";
	big[1] = "--count";
	big[2998] = NULL;
	check_eq(do_exec(big, envp), 2998 % 100, "exec: 190 KB of arguments");
	keep = must(open("/dev/null", O_RDONLY));
	lose = must(open("/dev/null", O_RDONLY | O_CLOEXEC));
	snprintf(arg, sizeof(arg), "%d,%d", keep, lose);
	check_eq(do_exec((char *[]){ "proc", "--fds", arg, NULL }, envp), 43, "O_CLOEXEC");
	check_errno(execl("/nonexistent", "x", NULL), ENOENT, "no such program");
	check_errno(execl("/", "x", NULL), EACCES, "a directory");
	fd = must(open("/tmp/abi-junk", O_CREAT | O_WRONLY | O_TRUNC, 0755));
	write(fd, "junk junk junk", 14);
	close(fd);
	check_errno(execl("/tmp/abi-junk", "x", NULL), ENOEXEC, "not a program");
	check_errno(syscall(SYS_execve, "/tmp/abi-junk", nowhere, NULL), EFAULT, "arguments from nowhere");
	check_errno(syscall(SYS_execve, "/nonexistent", nowhere, NULL), ENOENT, "for no such program");
	check_errno(syscall(SYS_execve, "/", nowhere, NULL), EACCES, "for a directory");
	check_errno(syscall(SYS_execveat, 999, "", nowhere, NULL, AT_EMPTY_PATH), EBADF, "for no descriptor");
	check_errno(syscall(SYS_execve, "", nowhere, NULL), ENOENT, "for no name");
	fd = must(open("/tmp/abi-script", O_CREAT | O_WRONLY | O_TRUNC, 0755));
	write(fd, "#!/bin/busybox sh\nexit 12\n", 26);
	close(fd);
	/* Not just any child: as process 1 we inherit the orphan of the test before. */
	pid = must(fork());
	if (!pid) {
		execl("/tmp/abi-script", "abi-script", NULL);
		_exit(98);
	}
	waitpid(pid, &i, 0);
	check_eq(WEXITSTATUS(i), 12, "script with #!");
	chmod("/tmp/abi-script", 0644);
	check_errno(execl("/tmp/abi-script", "x", NULL), EACCES, "not executable");
	unlink("/tmp/abi-junk");
	unlink("/tmp/abi-script");
	close(keep);
	close(lose);
}

static int child_main(int argc, char **argv)
{
	int keep, lose;

	if (!strcmp(argv[1], "--count"))
		return argc % 100;
	if (!strcmp(argv[1], "--fds")) {
		sscanf(argv[2], "%d,%d", &keep, &lose);
		return fcntl(keep, F_GETFD) == 0 && fcntl(lose, F_GETFD) == -1 ? 43 : 1;
	}
	return argc == 4 && !*argv[2] && !strcmp(argv[3], "two words") && getenv("A") &&
	       !strcmp(getenv("A"), "1") && getenv("B") && !*getenv("B") && !getenv("C") ? 42 : 1;
}

static int groups(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		setpgid(0, 0);
		if (!fork())
			for (;;)
				pause();
		for (;;)
			pause();
	}
	setpgid(pid, pid);
	if (getpgid(pid) != pid)
		return 1;
	msleep(50);
	kill(-pid, SIGTERM);
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM ? 0 : 2;
}

static int session(void)
{
	pid_t sid = setsid();

	return sid == getpid() && getsid(0) == sid && getpgrp() == sid ? 0 : 1;
}

static int inherited(void)
{
	int fds[2], status;
	char buf[8];
	off_t at;
	int fd = open("/tmp/abi-offset", O_CREAT | O_RDWR | O_TRUNC, 0600);

	unlink("/tmp/abi-offset");
	must(pipe(fds));
	if (!fork()) {
		write(fds[1], "child", 5);
		write(fd, "12345", 5);
		_exit(0);
	}
	wait(&status);
	at = lseek(fd, 0, SEEK_CUR);
	return read(fds[0], buf, 8) == 5 && at == 5 ? 0 : 1;
}

static void churn(void)
{
	int i, status, bad = 0;
	pid_t pid;

	for (i = 0; i < 200; i++) {
		pid = fork();
		if (!pid)
			_exit(i & 0x7f);
		if (waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != (i & 0x7f))
			bad++;
	}
	check_eq(bad, 0, "200 forks");
}

static void last_pid(int n)
{
	FILE *f = fopen("/proc/sys/kernel/ns_last_pid", "w");

	if (!f || fprintf(f, "%d", n) < 0 || fclose(f))
		check(false, "/proc/sys/kernel/ns_last_pid");
}

static pid_t born(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	return pid;
}

/* A child that leads a group and ends, while another child stays in it; the group, and that one in *stays. */
static pid_t group_left(pid_t *stays)
{
	pid_t leader = fork();

	if (!leader) {
		pause();
		_exit(0);
	}
	setpgid(leader, leader);
	*stays = fork();
	if (!*stays) {
		pause();
		_exit(0);
	}
	must(setpgid(*stays, leader));
	kill(leader, SIGKILL);
	waitpid(leader, NULL, 0);
	return leader;
}

/* Ids go round, and none comes that is a process's, a thread's or a group's. */
static void ids(void)
{
	FILE *f = fopen("/proc/sys/kernel/pid_max", "r");
	pid_t group, stays, pid;
	int most = 0, i;

	check(f && fscanf(f, "%d", &most) == 1 && most > 301, "pid_max");
	fclose(f);
	group = group_left(&stays);
	last_pid(group - 1);
	for (i = 0; i < 8; i++) {
		pid = born();
		if (pid == group || pid == stays || pid == getpid())
			break;
	}
	check_eq(i, 8, "no id of a process or a group");
	kill(stays, SIGKILL);
	waitpid(stays, NULL, 0);
	last_pid(group - 1);
	check_eq(born(), group, "the group's, once nobody is in it");
	last_pid(most - 2);
	check_eq(born(), most - 1, "the last id");
	pid = born();
	check(pid >= 300 && pid < most - 1, "then from the start");
	last_pid(getpid() - 1);
	check(born() > getpid(), "but not our own");
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return child_main(argc, argv);
	waiting();
	check_eq(in_child(orphan), 0, "orphans get another parent");
	exec();
	check_eq(in_child(groups), 0, "signal to a group");
	check_eq(in_child(session), 0, "setsid");
	check_eq(in_child(inherited), 0, "files are shared with the child");
	churn();
	ids();
	return report();
}
