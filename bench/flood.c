/* flood ADDRESS PORT PACKETS-A-SECOND SECONDS BYTES [plain]: numbered UDP datagrams, 64 in a call; rate 0 is as fast as it goes. Prints how many were sent, and how many a
 * second. A datagram begins with its number, 32 bits in network order; one of 16 bytes and more has at the eighth the time of its sending (monotonic ns, 64 bits of the
 * machine's order). The rest is 0. With "plain" they have no checksum, so that a damage arrives. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define CALL 64

static int64_t clock_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

int main(int count, char **words)
{
    if (count != 6 && !(count == 7 && strcmp(words[6], "plain") == 0))
        return 2;
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(atoi(words[2]))};
    inet_pton(AF_INET, words[1], &where.sin_addr);
    int line = socket(AF_INET, SOCK_DGRAM, 0), size = atoi(words[5]);
    if (size < 4 || connect(line, (struct sockaddr *)&where, sizeof where) != 0)
        return 1;
    int plain = count == 7;
    setsockopt(line, SOL_SOCKET, SO_NO_CHECK, &plain, sizeof plain);

    char *bytes = calloc(CALL, size);
    struct iovec parts[CALL];
    struct mmsghdr calls[CALL];
    memset(calls, 0, sizeof calls);
    for (int i = 0; i < CALL; i++) {
        parts[i] = (struct iovec){bytes + i * size, size};
        calls[i].msg_hdr.msg_iov = &parts[i];
        calls[i].msg_hdr.msg_iovlen = 1;
    }

    int64_t rate = atoll(words[3]), begin = clock_ns(), length = (int64_t)(atof(words[4]) * 1e9), sent = 0, now;
    while ((now = clock_ns() - begin) < length) {
        int64_t due = rate == 0 ? CALL : (int64_t)(now / 1e9 * rate) - sent;
        if (due <= 0) {
            int64_t next = begin + (int64_t)((sent + 1) * 1e9 / rate);
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &(struct timespec){next / 1000000000, next % 1000000000}, NULL);
            continue;
        }
        int batch = due < CALL ? (int)due : CALL;
        for (int i = 0; i < batch; i++) {
            uint32_t number = htonl((uint32_t)(sent + i));
            memcpy(bytes + i * size, &number, sizeof number);
            int64_t at = begin + now;
            if (size >= 16)
                memcpy(bytes + i * size + 8, &at, sizeof at);
        }
        int done = sendmmsg(line, calls, batch, 0);
        sent += done > 0 ? done : 0;
    }
    printf("%lld %.0f\n", (long long)sent, sent * 1e9 / (clock_ns() - begin));
    return 0;
}
