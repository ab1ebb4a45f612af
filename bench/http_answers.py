#!/usr/bin/env python3
"""A real HTTP/1.1 server with answers that depend on the path alone: http_answers.py ADDRESS PORT [PATH OFFSET]. GET /sized/N: N bytes with Content-Length; GET /chunked/N: the same bytes in
chunks of uneven length; POST /sum: the SHA-256 of what was sent. It keeps connections alive. With PATH and OFFSET the byte at OFFSET of the first answer for PATH is another one. A line when it
listens. Used by `stateful`."""
import hashlib
import http.server
import sys
import threading


def content(path, length):
    """Bytes that look like nothing else and are the same in each run."""
    seed = hashlib.sha256(path.encode()).digest()
    return b"".join(hashlib.sha256(seed + part.to_bytes(4, "big")).hexdigest().encode() for part in range(length // 64 + 1))[:length]


class Change:
    """One byte of one answer, once."""

    def __init__(self, path=None, offset=0):
        self._path, self._offset, self._lock = path, int(offset), threading.Lock()

    def apply(self, path, body):
        with self._lock:
            if path != self._path:
                return body
            self._path = None
        changed = bytearray(body)
        changed[self._offset] ^= 1
        return bytes(changed)


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    change = Change()
    wbufsize = -1    # header and beginning of the body in one piece; flushed after each request

    def do_GET(self):
        kind, length = self.path.strip("/").split("/")
        body = self.change.apply(self.path, content(self.path, int(length)))
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        if kind == "sized":
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        place, piece = 0, 700
        while place < len(body):
            part = body[place:place + piece]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            place, piece = place + piece, piece * 3 % 40009 + 1
        self.wfile.write(b"0\r\n\r\n")

    def do_POST(self):
        body = (hashlib.sha256(self.rfile.read(int(self.headers["Content-Length"]))).hexdigest() + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


if __name__ == "__main__":
    if len(sys.argv) > 3:
        Answers.change = Change(*sys.argv[3:])
    with Server((sys.argv[1], int(sys.argv[2])), Answers) as server:
        print("listening", flush=True)
        server.serve_forever()
