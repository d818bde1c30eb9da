/* Notes every address that the program turns to, and every name that it asks for. Loaded before libc. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void note(const char *kind, const char *what, int port) {
    const char *file = getenv("TUESDAY_TEST_CAPTURE");
    char line[512];
    int fd, n;
    if (!file) return;
    n = snprintf(line, sizeof line, "%s %s %d\n", kind, what, port);
    fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return;
    if (write(fd, line, (size_t)n) != n) abort();
    close(fd);
}

static void address(const char *kind, const struct sockaddr *to) {
    char text[INET6_ADDRSTRLEN] = "?";
    if (!to) return;
    if (to->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)to;
        inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
        note(kind, text, ntohs(v4->sin_port));
    } else if (to->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)to;
        inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
        note(kind, text, ntohs(v6->sin6_port));
    }
}

int connect(int fd, const struct sockaddr *to, socklen_t length) {
    int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    address("connect", to);
    return real(fd, to, length);
}

ssize_t sendto(int fd, const void *bytes, size_t n, int flags, const struct sockaddr *to, socklen_t length) {
    ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "sendto");
    address("sendto", to);
    return real(fd, bytes, n, flags, to, length);
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
    note("name", name ? name : "-", 0);
    return real(name, service, hints, out);
}
