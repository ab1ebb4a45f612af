/* segments INTERFACE DESTINATION-MAC SECONDS CONNECTIONS: TCP segments of so many connections in turn, both directions of each, as fast as it goes, as Ethernet frames. Each
 * connection is opened with a handshake and goes on with 20 bytes from the client and their acknowledgement, again and again. The addresses (10.1.0.0/16, 10.2.0.0/16) belong
 * to nobody. Prints how many were sent, and how many a second. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { CALL = 64, HEADERS = 14 + 20 + 20, TEXT = 20, SYN = 2, ACK = 16, PSH = 8 };

static int64_t clock_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static void put16(unsigned char *at, unsigned value)
{
    at[0] = value >> 8;
    at[1] = value;
}

static void put32(unsigned char *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static unsigned sum(const unsigned char *bytes, int length, uint32_t start)
{
    for (int i = 0; i < length; i += 2)
        start += bytes[i] << 8 | bytes[i + 1];
    while (start >> 16)
        start = (start & 0xffff) + (start >> 16);
    return ~start & 0xffff;
}

/* The segment of a connection at a step: 0, 1 and 2 are its handshake; then text at the odd ones, its acknowledgement at the even ones. */
static int build(unsigned char *frame, uint32_t connection, uint32_t step)
{
    int from_client = step == 0 || step == 2 || (step > 2 && step % 2 == 1);
    int flags = step == 0 ? SYN : step == 1 ? SYN | ACK : step > 2 && from_client ? ACK | PSH : ACK;
    int text = step > 2 && from_client ? TEXT : 0;
    uint32_t client = step == 0 ? 1000 : 1001 + (step < 3 ? 0 : (step - 3) / 2 * TEXT), server = 5000;
    uint32_t acknowledged = client + (step > 2 ? TEXT : 0);

    unsigned char *ip = frame + 14, *tcp = ip + 20;
    uint32_t a = 10u << 24 | 1u << 16 | (connection >> 16), b = 10u << 24 | 2u << 16 | 1;
    memset(ip, 0, 40 + TEXT);
    ip[0] = 0x45;
    put16(ip + 2, 40 + text);
    ip[8] = 64;
    ip[9] = 6;
    put32(ip + 12, from_client ? a : b);
    put32(ip + 16, from_client ? b : a);
    put16(ip + 10, sum(ip, 20, 0));
    put16(tcp, from_client ? connection & 0xffff : 80);
    put16(tcp + 2, from_client ? 80 : connection & 0xffff);
    put32(tcp + 4, from_client ? client : step == 1 ? server : server + 1);
    put32(tcp + 8, step == 0 ? 0 : from_client ? server + 1 : acknowledged);
    tcp[12] = 5 << 4;
    tcp[13] = flags;
    put16(tcp + 14, 65535);
    put16(tcp + 16, sum(tcp, 20 + text, (ip[12] << 8 | ip[13]) + (ip[14] << 8 | ip[15]) + (ip[16] << 8 | ip[17]) + (ip[18] << 8 | ip[19]) + 6 + 20 + text));
    return HEADERS + text;
}

int main(int count, char **words)
{
    unsigned char mac[6];
    if (count != 5 || sscanf(words[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) != 6)
        return 2;
    int line = socket(AF_PACKET, SOCK_RAW, 0), one = 1;
    setsockopt(line, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
    struct sockaddr_ll where = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(words[1])};
    if (bind(line, (struct sockaddr *)&where, sizeof where) != 0)
        return 1;

    static unsigned char bytes[CALL][HEADERS + TEXT];
    struct iovec parts[CALL];
    struct mmsghdr calls[CALL];
    memset(calls, 0, sizeof calls);
    for (int i = 0; i < CALL; i++) {
        memcpy(bytes[i], mac, 6);
        bytes[i][6] = 2;
        put16(bytes[i] + 12, ETHERTYPE_IP);
        parts[i].iov_base = bytes[i];
        calls[i].msg_hdr.msg_iov = &parts[i];
        calls[i].msg_hdr.msg_iovlen = 1;
    }

    uint32_t connections = atoi(words[4]), connection = 0, step = 0;
    int64_t begin = clock_ns(), length = (int64_t)(atof(words[3]) * 1e9), sent = 0;
    while (clock_ns() - begin < length) {
        for (int i = 0; i < CALL; i++) {
            parts[i].iov_len = build(bytes[i], connection + 1024, step);
            if (++connection == connections) {
                connection = 0;
                step++;
            }
        }
        int done = sendmmsg(line, calls, CALL, 0);
        sent += done > 0 ? done : 0;
    }
    printf("%lld %.0f\n", (long long)sent, sent * 1e9 / (clock_ns() - begin));
    return 0;
}
