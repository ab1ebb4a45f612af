/* arrivals ADDRESS PORT: takes datagrams of flood until it is told to end (SIGTERM), then writes of each, in the order of their arrival, three 64-bit words: its number,
 * when it was sent and when it came (monotonic ns; both ends run on one machine). On standard error: how many bits of the filling were not as sent. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define MOST (8 << 20)

static volatile sig_atomic_t ended;

static void end(int signal)
{
    (void)signal;
    ended = 1;
}

int main(int count, char **words)
{
    if (count != 3)
        return 2;
    struct sigaction action = {.sa_handler = end};
    sigaction(SIGTERM, &action, NULL);
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(atoi(words[2]))};
    inet_pton(AF_INET, words[1], &where.sin_addr);
    int line = socket(AF_INET, SOCK_DGRAM, 0), room = 64 << 20;
    setsockopt(line, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    if (bind(line, (struct sockaddr *)&where, sizeof where) != 0)
        return 1;
    struct timeval turn = {.tv_usec = 50000};    /* a signal between the look at the flag and the call would else wait for a datagram */
    setsockopt(line, SOL_SOCKET, SO_RCVTIMEO, &turn, sizeof turn);
    int64_t *rows = malloc(MOST * 3 * sizeof *rows);
    memset(rows, 0, MOST * 3 * sizeof *rows);
    puts("ready");
    fflush(stdout);

    int64_t taken = 0, damaged = 0, bits = 0;
    unsigned char bytes[65536];
    while (!ended && taken < MOST) {
        ssize_t length = recv(line, bytes, sizeof bytes, 0);
        struct timespec at;
        clock_gettime(CLOCK_MONOTONIC, &at);
        if (length < 16)
            continue;
        uint32_t number;
        memcpy(&number, bytes, sizeof number);
        rows[taken * 3] = ntohl(number);
        memcpy(&rows[taken * 3 + 1], bytes + 8, sizeof *rows);
        rows[taken * 3 + 2] = at.tv_sec * 1000000000LL + at.tv_nsec;
        taken++;
        int wrong = 0;
        for (ssize_t i = 16; i < length; i++)
            wrong += __builtin_popcount(bytes[i]);
        damaged += wrong != 0;
        bits += wrong;
    }
    fwrite(rows, 3 * sizeof *rows, taken, stdout);
    fprintf(stderr, "%lld datagrams damaged, %lld bits\n", (long long)damaged, (long long)bits);
    return 0;
}
