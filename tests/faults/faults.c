/* Preloaded into a process, it counts the system calls that change a file under one folder, and makes the n-th of them
   fail or be the last thing that the process does. `interposer.py` compiles and drives it.

   The calls counted are those of DuckDB and of Python's os module: write, pwrite, their vector forms, ftruncate,
   fallocate, fsync, fdatasync, rename, unlink, and an open that makes or empties a file. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COUNT, FAIL, FAIL_ON, KILL_BEFORE, KILL_AFTER, KILL_HALF };

#define TRACE_BYTES (1 << 20)

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static size_t folder_length;
static int armed, action, failure;
static long at, seen;
static char trace[TRACE_BYTES];
static size_t traced;

/* From now on count what changes a file under this folder (a real path), and act at call number `n`, from 1. */
void faults_arm(const char *path, int what, long n, int error) {
    pthread_mutex_lock(&guard);
    folder_length = (size_t)snprintf(folder, sizeof folder, "%s/", path);
    action = what;
    at = n;
    failure = error;
    seen = 0;
    traced = 0;
    trace[0] = 0;
    armed = 1;
    pthread_mutex_unlock(&guard);
}

/* Stop, and say how many calls were counted. */
long faults_disarm(void) {
    armed = 0;
    return seen;
}

/* One line for each call counted: its name, the file, and how many bytes. */
const char *faults_trace(void) { return trace; }

enum verdict { PASS, REFUSE, DIE_AFTER, DIE_HALF };

/* The folder itself counts too: it is synced. */
static int inside(const char *path) {
    return strncmp(path, folder, folder_length) == 0 ||
           (strlen(path) == folder_length - 1 && strncmp(path, folder, folder_length - 1) == 0);
}

/* A full disk refuses what needs space, and lets files shrink and go. */
static int refused(const char *call) {
    return failure != ENOSPC || (strcmp(call, "unlink") && strcmp(call, "remove") && strcmp(call, "ftruncate"));
}

static enum verdict look(const char *call, const char *path, long bytes) {
    enum verdict verdict = PASS;
    if (!armed || !inside(path))
        return PASS;
    pthread_mutex_lock(&guard);
    seen++;
    if (traced < TRACE_BYTES - PATH_MAX)
        traced += (size_t)snprintf(trace + traced, TRACE_BYTES - traced, "%s %s %ld\n", call,
                                   strlen(path) < folder_length ? "." : path + folder_length, bytes);
    if (seen == at && action == KILL_BEFORE)
        kill(getpid(), SIGKILL);
    if (seen == at && action == KILL_AFTER)
        verdict = DIE_AFTER;
    if (seen == at && action == KILL_HALF)
        verdict = DIE_HALF;
    if (((seen == at && action == FAIL) || (at && seen >= at && action == FAIL_ON)) && refused(call)) {
        errno = failure;
        verdict = REFUSE;
    }
    pthread_mutex_unlock(&guard);
    return verdict;
}

static enum verdict look_descriptor(const char *call, int descriptor, long bytes) {
    char link[64], path[PATH_MAX];
    ssize_t length;
    if (!armed)
        return PASS;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return PASS;
    path[length] = 0;
    return look(call, path, bytes);
}

static enum verdict look_name(const char *call, const char *name) {
    char path[PATH_MAX];
    if (!armed)
        return PASS;
    if (name[0] == '/')
        return look(call, name, 0);
    if (!getcwd(path, sizeof path) || strlen(path) + strlen(name) + 2 > sizeof path)
        return PASS;
    strcat(strcat(path, "/"), name);
    return look(call, path, 0);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define DO(question, call)                                                                                             \
    do {                                                                                                               \
        enum verdict found = (question);                                                                              \
        __typeof__(call) result;                                                                                       \
        if (found == REFUSE)                                                                                           \
            return -1;                                                                                                 \
        result = (call);                                                                                               \
        if (found == DIE_AFTER || found == DIE_HALF)                                                                   \
            kill(getpid(), SIGKILL);                                                                                   \
        return result;                                                                                                 \
    } while (0)

/* Of a write that is cut in half, the first half reaches the file. */
#define SIZE(found, bytes) ((found) == DIE_HALF ? ((bytes) + 1) / 2 : (bytes))

ssize_t write(int fd, const void *bytes, size_t size) {
    enum verdict verdict = look_descriptor("write", fd, (long)size);
    DO(verdict, REAL(write)(fd, bytes, SIZE(verdict, size)));
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t where) {
    enum verdict verdict = look_descriptor("pwrite", fd, (long)size);
    DO(verdict, REAL(pwrite)(fd, bytes, SIZE(verdict, size), where));
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t where) {
    enum verdict verdict = look_descriptor("pwrite", fd, (long)size);
    DO(verdict, REAL(pwrite64)(fd, bytes, SIZE(verdict, size), where));
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    DO(look_descriptor("writev", fd, count), REAL(writev)(fd, parts, count));
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t where) {
    DO(look_descriptor("pwritev", fd, count), REAL(pwritev)(fd, parts, count, where));
}

int ftruncate(int fd, off_t size) { DO(look_descriptor("ftruncate", fd, (long)size), REAL(ftruncate)(fd, size)); }

int ftruncate64(int fd, off64_t size) { DO(look_descriptor("ftruncate", fd, (long)size), REAL(ftruncate64)(fd, size)); }

int fallocate(int fd, int mode, off_t where, off_t size) {
    DO(look_descriptor("fallocate", fd, (long)size), REAL(fallocate)(fd, mode, where, size));
}

int fsync(int fd) { DO(look_descriptor("fsync", fd, 0), REAL(fsync)(fd)); }

int fdatasync(int fd) { DO(look_descriptor("fdatasync", fd, 0), REAL(fdatasync)(fd)); }

int rename(const char *from, const char *to) { DO(look_name("rename", from), REAL(rename)(from, to)); }

int unlink(const char *path) { DO(look_name("unlink", path), REAL(unlink)(path)); }

int remove(const char *path) { DO(look_name("remove", path), REAL(remove)(path)); }

static int makes(const char *path, int flags) {
    struct stat found;
    return (flags & O_TRUNC) || ((flags & O_CREAT) && stat(path, &found) != 0);
}

#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...) {                                                                       \
        mode_t mode = 0;                                                                                               \
        va_list rest;                                                                                                  \
        if (flags & (O_CREAT | O_TMPFILE)) {                                                                           \
            va_start(rest, flags);                                                                                     \
            mode = va_arg(rest, mode_t);                                                                               \
            va_end(rest);                                                                                              \
        }                                                                                                              \
        DO(makes(path, flags) ? look_name("open", path) : PASS, REAL(name)(path, flags, mode));                        \
    }

OPEN(open)
OPEN(open64)
