/* The steps of a move in C, to measure ours against, and the process that has the connection.
 *
 *   freeze owner PORT idle|full     accepts one connection on 127.0.0.1:PORT; full: leaves 64 KiB unread and writes until 64 KiB wait to be acknowledged.
 *                                   Prints "ready DESCRIPTOR BYTES-WRITTEN" and stands still.
 *   freeze move IN OUT              holds the packets of the queues IN and OUT, passing them on until then. A line "PID DESCRIPTOR" on standard input moves that connection
 *                                   into this process and prints, in ns, the whole freeze and its steps. The connection then says "alive" to its peer.
 *
 * The rules that send the connection's packets to the queues are the caller's. Same steps, same order and same options as Replay/SessionMove. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define QUEUED 65536
#define MOST (8 << 20)
#define HELD_MOST 4096
#define TCP_REPAIR_OFF_NO_PROBE (-1)

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int check(int result, const char *what)
{
    if (result < 0)
        fail(what);
    return result;
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int count(int fd, unsigned long request)
{
    int value = 0;
    check(ioctl(fd, request, &value), "ioctl");
    return value;
}

static _Noreturn void own(int port, int full)
{
    int listener = check(socket(AF_INET, SOCK_STREAM, 0), "socket"), yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    int room = 4 * QUEUED;
    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    check(bind(listener, (struct sockaddr *)&at, sizeof at), "bind");
    check(listen(listener, 1), "listen");
    printf("listening\n");
    fflush(stdout);
    int fd = check(accept(listener, NULL, NULL), "accept");
    close(listener);
    long written = 0;
    static char data[QUEUED];
    while (full && count(fd, SIOCINQ) < QUEUED)
        usleep(1000);
    for (int quiet = 0; full && quiet < 20;) {
        int rest = QUEUED - count(fd, SIOCOUTQ);
        ssize_t sent = rest > 0 ? send(fd, data, rest, MSG_DONTWAIT) : 0;
        written += sent > 0 ? sent : 0;
        quiet = sent > 0 ? 0 : quiet + 1;
        usleep(1000);
    }
    printf("ready %d %ld\n", fd, written);
    fflush(stdout);
    for (;;)
        pause();
}

/* A queue of the kernel's, spoken to directly. */
struct queue {
    int socket, number, holding, held;
    uint32_t ids[HELD_MOST];
};

static struct queue in, out;
static char received[1 << 20];

static void speak(struct queue *queue, int type, int flags, int attribute, const void *body, int length)
{
    struct {
        struct nlmsghdr header;
        struct nfgenmsg general;
        struct nlattr attribute;
        char body[32];
    } message = {0};
    message.header.nlmsg_type = (NFNL_SUBSYS_QUEUE << 8) | type;
    message.header.nlmsg_flags = NLM_F_REQUEST | flags;
    message.general.res_id = htons(queue->number);
    message.attribute.nla_type = attribute;
    message.attribute.nla_len = NLA_HDRLEN + length;
    memcpy(message.body, body, length);
    message.header.nlmsg_len = NLMSG_LENGTH(sizeof message.general) + NLA_ALIGN(NLA_HDRLEN + length);
    check(send(queue->socket, &message, message.header.nlmsg_len, 0), "send(netlink)");
    if (flags & NLM_F_ACK) {
        check(recv(queue->socket, received, sizeof received, 0), "recv(netlink)");
        struct nlmsgerr *answer = NLMSG_DATA((struct nlmsghdr *)received);
        errno = -answer->error;
        if (answer->error)
            fail("netlink");
    }
}

static void decide(struct queue *queue, uint32_t id)
{
    struct nfqnl_msg_verdict_hdr verdict = {.verdict = htonl(NF_ACCEPT), .id = htonl(id)};
    speak(queue, NFQNL_MSG_VERDICT, 0, NFQA_VERDICT_HDR, &verdict, sizeof verdict);
}

static void open_queue(struct queue *queue, int number)
{
    queue->number = number;
    queue->socket = check(socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER), "socket(netlink)");
    struct sockaddr_nl any = {.nl_family = AF_NETLINK};
    check(bind(queue->socket, (struct sockaddr *)&any, sizeof any), "bind(netlink)");
    struct nfqnl_msg_config_cmd command = {.command = NFQNL_CFG_CMD_BIND};
    speak(queue, NFQNL_MSG_CONFIG, NLM_F_ACK, NFQA_CFG_CMD, &command, sizeof command);
    struct nfqnl_msg_config_params parameters = {.copy_range = htonl(0xffff), .copy_mode = NFQNL_COPY_PACKET};
    speak(queue, NFQNL_MSG_CONFIG, NLM_F_ACK, NFQA_CFG_PARAMS, &parameters, 5);
}

/* Takes what the kernel has for us: keeps it where packets are held, lets it go otherwise. */
static void drain(struct queue *queue)
{
    for (;;) {
        int length = recv(queue->socket, received, sizeof received, MSG_DONTWAIT);
        if (length < 0)
            return;
        for (struct nlmsghdr *header = (void *)received; length >= (int)sizeof *header; header = NLMSG_NEXT(header, length)) {
            struct nlattr *attribute = (void *)((char *)NLMSG_DATA(header) + sizeof(struct nfgenmsg));
            struct nfqnl_msg_packet_hdr *packet = (void *)((char *)attribute + NLA_HDRLEN);
            if (attribute->nla_type != NFQA_PACKET_HDR)
                continue;
            if (queue->holding && queue->held < HELD_MOST)
                queue->ids[queue->held++] = ntohl(packet->packet_id);
            else
                decide(queue, ntohl(packet->packet_id));
        }
    }
}

static void release(struct queue *queue)
{
    drain(queue);
    queue->holding = 0;
    for (int i = 0; i < queue->held; i++)
        decide(queue, queue->ids[i]);
    queue->held = 0;
}

/* Every thread of a process stands still. */
static void stop(int pid, int pidfd)
{
    check(syscall(SYS_pidfd_send_signal, pidfd, SIGSTOP, NULL, 0), "pidfd_send_signal");
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    for (int standing = 0; !standing;) {
        standing = 1;
        DIR *tasks = opendir(path);
        for (struct dirent *task; tasks && (task = readdir(tasks)) != NULL;) {
            if (task->d_name[0] == '.')
                continue;
            char stat[384], text[512];
            snprintf(stat, sizeof stat, "%s/%s/stat", path, task->d_name);
            int fd = open(stat, O_RDONLY | O_CLOEXEC);
            int length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
            close(fd);
            text[length > 0 ? length : 0] = 0;
            char *name = strrchr(text, ')');
            if (name == NULL || strchr("TtZX", name[2]) == NULL)
                standing = 0;
        }
        closedir(tasks);
    }
}

/* Plain socket options: level, number, 32-bit words. */
static const struct { int level, number, words, early; } options[] = {
    {SOL_SOCKET, SO_MARK, 1, 1}, {IPPROTO_IP, IP_TRANSPARENT, 1, 1}, {IPPROTO_IP, IP_FREEBIND, 1, 1}, {SOL_SOCKET, SO_DONTROUTE, 1, 1}, {IPPROTO_TCP, 44, 1, 1}, {IPPROTO_TCP, 45, 1, 1},
    {SOL_SOCKET, SO_REUSEADDR, 1, 0}, {SOL_SOCKET, SO_REUSEPORT, 1, 0}, {SOL_SOCKET, SO_KEEPALIVE, 1, 0}, {SOL_SOCKET, SO_LINGER, 2, 0}, {SOL_SOCKET, SO_OOBINLINE, 1, 0},
    {SOL_SOCKET, SO_RCVLOWAT, 1, 0}, {SOL_SOCKET, SO_RCVTIMEO, 4, 0}, {SOL_SOCKET, SO_SNDTIMEO, 4, 0}, {SOL_SOCKET, SO_BUSY_POLL, 1, 0}, {SOL_SOCKET, SO_MAX_PACING_RATE, 2, 0},
    {SOL_SOCKET, SO_LOCK_FILTER, 1, 0}, {SOL_SOCKET, SO_ZEROCOPY, 1, 0}, {IPPROTO_IP, IP_TOS, 1, 0}, {SOL_SOCKET, SO_PRIORITY, 1, 0}, {IPPROTO_IP, IP_TTL, 1, 0},
    {IPPROTO_IP, IP_MTU_DISCOVER, 1, 0}, {IPPROTO_IP, IP_RECVERR, 1, 0}, {IPPROTO_IP, IP_MINTTL, 1, 0}, {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1, 0},
    {IPPROTO_TCP, TCP_NODELAY, 1, 0}, {IPPROTO_TCP, TCP_KEEPIDLE, 1, 0}, {IPPROTO_TCP, TCP_KEEPINTVL, 1, 0}, {IPPROTO_TCP, TCP_KEEPCNT, 1, 0}, {IPPROTO_TCP, TCP_SYNCNT, 1, 0},
    {IPPROTO_TCP, TCP_LINGER2, 1, 0}, {IPPROTO_TCP, TCP_DEFER_ACCEPT, 1, 0}, {IPPROTO_TCP, TCP_FASTOPEN, 1, 0}, {IPPROTO_TCP, 34, 1, 0}, {IPPROTO_TCP, TCP_SAVE_SYN, 1, 0},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP, 1, 0}, {IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, 1, 0}, {IPPROTO_TCP, TCP_USER_TIMEOUT, 1, 0}, {IPPROTO_TCP, TCP_NOTSENT_LOWAT, 1, 0},
    {IPPROTO_TCP, 36, 1, 0}, {IPPROTO_TCP, 37, 1, 0}, {IPPROTO_TCP, 46, 1, 0}, {IPPROTO_TCP, TCP_CORK, 1, 0}, {IPPROTO_TCP, TCP_QUICKACK, 1, 0},
};
#define OPTIONS (sizeof options / sizeof *options)

struct window { uint32_t wl1, wnd, max, rcv, wup; };

static struct {
    int values[OPTIONS][4], lengths[OPTIONS], rcvbuf, sndbuf, buf_lock, mss, timestamp, unread, queued, unsent, scales, flags;
    uint32_t rcv_nxt, write_seq;
    char congestion[16];
    struct tcp_info info;
    struct window window;
    struct sockaddr_in local, peer;
    int64_t cut;
} image;
static char receive_queue[MOST], send_queue[MOST];

static int get(int fd, int level, int number)
{
    int value = 0;
    socklen_t length = sizeof value;
    getsockopt(fd, level, number, &value, &length);
    return value;
}

static void set(int fd, int level, int number, int value)
{
    check(setsockopt(fd, level, number, &value, sizeof value), "setsockopt");
}

/* What would keep a connection from being taken whole: MPTCP, an upper layer, authentication, IP options, urgent data, zero copies, an error, a filter. */
static void look(int fd)
{
    char text[256];
    socklen_t length = sizeof image.info;
    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &image.info, &length);
    struct pollfd urgent = {fd, POLLPRI | POLLOUT, 0};
    poll(&urgent, 1, 0);
    static const int names[][2] = {{IPPROTO_TCP, 43}, {IPPROTO_TCP, TCP_ULP}, {IPPROTO_TCP, 40}, {IPPROTO_IP, IP_OPTIONS}, {SOL_SOCKET, SO_ZEROCOPY}};
    for (int i = 0; i < 5; i++) {
        length = sizeof text;
        getsockopt(fd, names[i][0], names[i][1], text, &length);
    }
    int mark = count(fd, SIOCATMARK);
    length = 0;
    getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, text, &length);
    if (mark || (urgent.revents & POLLPRI))
        exit(1);
}

static void pause_socket(int fd)
{
    socklen_t length;
    char text[16];
    look(fd);
    for (unsigned i = 0; i < OPTIONS; i++) {
        length = options[i].words * 4;
        image.lengths[i] = getsockopt(fd, options[i].level, options[i].number, image.values[i], &length) == 0 && (int)length == options[i].words * 4 ? (int)length : 0;
    }
    image.rcvbuf = get(fd, SOL_SOCKET, SO_RCVBUF);
    image.sndbuf = get(fd, SOL_SOCKET, SO_SNDBUF);
    image.buf_lock = get(fd, SOL_SOCKET, 72);
    length = sizeof image.congestion;
    getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, image.congestion, &length);
    length = sizeof text;
    getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, text, &length);
    get(fd, SOL_SOCKET, SO_PEEK_OFF);
    length = 0;
    getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, text, &length);
    image.flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_GETOWN);
    fcntl(fd, F_GETSIG);
    set(fd, IPPROTO_TCP, TCP_REPAIR, 1);
}

static void dump(int fd)
{
    socklen_t length = sizeof image.local;
    getsockname(fd, (struct sockaddr *)&image.local, &length);
    length = sizeof image.peer;
    getpeername(fd, (struct sockaddr *)&image.peer, &length);
    image.unread = count(fd, SIOCINQ);
    set(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_RECV_QUEUE);
    image.rcv_nxt = get(fd, IPPROTO_TCP, TCP_QUEUE_SEQ);
    int first = recv(fd, receive_queue, image.unread + 1, MSG_PEEK | MSG_DONTWAIT);
    image.queued = count(fd, SIOCOUTQ);
    image.unsent = count(fd, SIOCOUTQNSD);
    set(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE);
    image.write_seq = get(fd, IPPROTO_TCP, TCP_QUEUE_SEQ);
    int second = recv(fd, send_queue, image.queued + 1, MSG_PEEK | MSG_DONTWAIT);
    set(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_NO_QUEUE);
    length = sizeof image.window;
    getsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &image.window, &length);
    image.mss = get(fd, IPPROTO_TCP, TCP_MAXSEG);
    length = sizeof image.info;
    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &image.info, &length);
    image.timestamp = get(fd, IPPROTO_TCP, TCP_TIMESTAMP);
    image.cut = now();
    if ((first < 0 ? 0 : first) != image.unread || (second < 0 ? 0 : second) != image.queued || count(fd, SIOCOUTQ) != image.queued || count(fd, SIOCINQ) != image.unread) {
        fprintf(stderr, "the queues changed\n");
        exit(1);
    }
}

static void dissolve(int fd)
{
    struct sockaddr nothing = {.sa_family = AF_UNSPEC};
    check(connect(fd, &nothing, sizeof nothing), "connect(AF_UNSPEC)");
}

static void apply(int fd, int early)
{
    for (unsigned i = 0; i < OPTIONS; i++) {
        int value[4];
        socklen_t length = options[i].words * 4;
        if (options[i].early != early || image.lengths[i] == 0)
            continue;
        if (getsockopt(fd, options[i].level, options[i].number, value, &length) != 0 || memcmp(value, image.values[i], image.lengths[i]) != 0)
            setsockopt(fd, options[i].level, options[i].number, image.values[i], image.lengths[i]);
    }
}

static void write_all(int fd, const char *data, int length)
{
    for (int sent; length > 0; data += sent, length -= sent)
        sent = check(send(fd, data, length > 65536 ? 65536 : length, MSG_DONTWAIT), "send(repair)");
}

static int restore(void)
{
    int fd = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP), "socket");
    set(fd, IPPROTO_TCP, TCP_REPAIR, 1);
    apply(fd, 1);
    set(fd, SOL_SOCKET, SO_RCVBUFFORCE, image.rcvbuf / 2);
    set(fd, SOL_SOCKET, SO_SNDBUFFORCE, image.queued * 4 + (1 << 20));
    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, image.congestion, strlen(image.congestion));
    set(fd, IPPROTO_TCP, TCP_MAXSEG, image.mss > 32767 ? 32767 : image.mss);
    check(bind(fd, (struct sockaddr *)&image.local, sizeof image.local), "bind");
    set(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_RECV_QUEUE);
    set(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, image.rcv_nxt - image.unread);
    set(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE);
    set(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, image.write_seq - image.queued);
    check(connect(fd, (struct sockaddr *)&image.peer, sizeof image.peer), "connect");
    struct tcp_repair_opt negotiated[4];
    int many = 0, flags = image.info.tcpi_options;
    if (flags & TCPI_OPT_SACK)
        negotiated[many++] = (struct tcp_repair_opt){.opt_code = 4};
    if (flags & TCPI_OPT_WSCALE)
        negotiated[many++] = (struct tcp_repair_opt){.opt_code = 3, .opt_val = image.info.tcpi_snd_wscale | image.info.tcpi_rcv_wscale << 16};
    if (flags & TCPI_OPT_TIMESTAMPS)
        negotiated[many++] = (struct tcp_repair_opt){.opt_code = 8};
    negotiated[many++] = (struct tcp_repair_opt){.opt_code = 2, .opt_val = image.mss};
    check(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS, negotiated, many * sizeof *negotiated), "TCP_REPAIR_OPTIONS");
    if (flags & TCPI_OPT_TIMESTAMPS)
        set(fd, IPPROTO_TCP, TCP_TIMESTAMP, (image.timestamp + (now() - image.cut) / 1000000 + 2) & ~1u);
    set(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_RECV_QUEUE);
    write_all(fd, receive_queue, image.unread);
    set(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE);
    write_all(fd, send_queue, image.queued - image.unsent);
    set(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_NO_QUEUE);
    check(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &image.window, sizeof image.window), "TCP_REPAIR_WINDOW");
    set(fd, IPPROTO_TCP, TCP_MAXSEG, 0);
    return fd;
}

static void resume(int fd)
{
    set(fd, IPPROTO_TCP, TCP_REPAIR, 0);
    write_all(fd, send_queue + image.queued - image.unsent, image.unsent);
    set(fd, SOL_SOCKET, SO_SNDBUFFORCE, image.sndbuf / 2);
    set(fd, SOL_SOCKET, 72, image.buf_lock);
    apply(fd, 0);
    if (image.flags & O_NONBLOCK)
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static int hand_over(int to, int from, int fd)
{
    char byte = 0, control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    check(sendmsg(to, &message, 0), "sendmsg");
    check(recvmsg(from, &message, MSG_CMSG_CLOEXEC), "recvmsg");
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

static int64_t marks[16];
static int marked;
#define STEP(action) do { action; marks[++marked] = now(); } while (0)

static int move(int pid, int descriptor, int *pair)
{
    int pidfd = check(syscall(SYS_pidfd_open, pid, 0), "pidfd_open"), fd = check(syscall(SYS_pidfd_getfd, pidfd, descriptor, 0), "pidfd_getfd"), restored, delivered;
    drain(&in);
    drain(&out);
    marked = 0;
    marks[0] = now();
    STEP(in.holding = 1; drain(&in));
    STEP(out.holding = 1; drain(&out));
    STEP(stop(pid, pidfd));
    STEP(pause_socket(fd));
    STEP(dump(fd));
    STEP(dissolve(fd));
    STEP(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0));
    STEP(restored = restore());
    STEP(release(&out));
    STEP(resume(restored); drain(&out));
    STEP(delivered = hand_over(pair[0], pair[1], restored));
    STEP(release(&in));
    printf("%lld", (long long)(marks[marked] - marks[0]));
    for (int i = 1; i <= marked; i++)
        printf(" %lld", (long long)(marks[i] - marks[i - 1]));
    printf("\n");
    fflush(stdout);
    close(restored);
    close(fd);
    close(pidfd);
    return delivered;
}

static int mover(int first, int second)
{
    memset(receive_queue, 1, sizeof receive_queue);
    memset(send_queue, 1, sizeof send_queue);
    open_queue(&in, first);
    open_queue(&out, second);
    int pair[2], connection = -1;
    check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
    printf("ready\n");
    fflush(stdout);
    char line[128];
    for (;;) {
        struct pollfd ready[] = {{STDIN_FILENO, POLLIN, 0}, {in.socket, POLLIN, 0}, {out.socket, POLLIN, 0}};
        check(poll(ready, 3, -1), "poll");
        drain(&in);
        drain(&out);
        if (!ready[0].revents)
            continue;
        int pid, descriptor, length = read(STDIN_FILENO, line, sizeof line - 1);
        if (length <= 0)
            return 0;
        line[length] = 0;
        if (sscanf(line, "%d %d", &pid, &descriptor) != 2)
            return 2;
        if (connection >= 0)
            close(connection);
        connection = move(pid, descriptor, pair);
        check(send(connection, "alive", 5, MSG_DONTWAIT), "send");
    }
}

int main(int arguments, char **words)
{
    if (arguments == 4 && strcmp(words[1], "owner") == 0)
        own(atoi(words[2]), strcmp(words[3], "full") == 0);
    if (arguments == 4 && strcmp(words[1], "move") == 0)
        return mover(atoi(words[2]), atoi(words[3]));
    fprintf(stderr, "usage: freeze owner PORT idle|full | freeze move IN OUT\n");
    return 2;
}
