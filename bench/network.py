"""Two network namespaces with a veth pair between them, and programs inside. Used by the scripts beside it."""
import array
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
SENDER_ADDRESS, RECEIVER_ADDRESS, PORT = "10.0.0.1", "10.0.0.2", 9999


def run(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, **more).stdout


def load():
    return f"[load {os.getloadavg()[0]:.1f}]"


def on_core(core):
    return ["nice", "-n", "-20", "taskset", "-c", core]


# For what measures times: other programs do not keep it from the processor.
PROMPT = ["chrt", "--rr", "2"]


def processor_time(pid):
    """Seconds that a process took so far, user and system."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Others:
    """What other programs took of the processors since it was made, beside the children that have ended and the processor seconds that are told."""

    def __init__(self):
        self._start = self._busy(), self._children(), time.monotonic()

    def share(self, seconds):
        busy, children, began = self._start
        taken = (self._busy() - busy) / os.sysconf("SC_CLK_TCK") - (self._children() - children) - seconds
        return max(taken, 0) / (time.monotonic() - began) / os.cpu_count()

    @staticmethod
    def _busy():
        user, nice, system = open("/proc/stat").readline().split()[1:4]
        return int(user) + int(nice) + int(system)

    @staticmethod
    def _children():
        times = os.times()
        return times.children_user + times.children_system


class Pair:
    """The namespaces `sender` and `receiver`, and a folder for built tools; all gone at the end."""

    def __init__(self, name):
        self.sender, self.receiver = f"{name}-{os.getpid()}-a", f"{name}-{os.getpid()}-b"
        self._folder = tempfile.TemporaryDirectory(prefix=f"{name}-bench-")
        self.folder = self._folder.name

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))    # so that all is undone
        run(f"{ROOT}/interceptor", "--version")    # builds it
        try:
            for name in (self.sender, self.receiver):
                run("ip", "netns", "add", name)
                run("ip", "-n", name, "link", "set", "lo", "up")
            run("ip", "link", "add", "va", "netns", self.sender, "type", "veth", "peer", "name", "vb", "netns", self.receiver)
            for name, link, address in ((self.sender, "va", SENDER_ADDRESS), (self.receiver, "vb", RECEIVER_ADDRESS)):
                run("ip", "-n", name, "address", "add", f"{address}/24", "dev", link)
                run("ip", "-n", name, "link", "set", link, "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in (self.sender, self.receiver):
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)
        self._folder.cleanup()

    def build(self, name, *libraries, source=None):
        """Compiles a C program of this folder; gives its path."""
        tool = f"{self.folder}/{name}"
        run("gcc", "-O2", "-o", tool, source or f"{ROOT}/bench/{name}.c", *libraries)
        return tool

    def forward(self, *networks):
        """Has the receiver send packets for these networks back to the sender, which has nothing to do with them."""
        for name, value in (("ip_forward", 1), ("conf/all/rp_filter", 0), ("conf/vb/rp_filter", 0), ("conf/all/send_redirects", 0), ("conf/vb/send_redirects", 0)):
            run(*inside(self.receiver, "sh", "-c", f"echo {value} > /proc/sys/net/ipv4/{name}"))
        for network in networks:
            run("ip", "-n", self.receiver, "route", "add", network, "via", SENDER_ADDRESS)

    def hardware_address(self, namespace, link):
        return run("ip", "-n", namespace, "-brief", "link", "show", link).split()[2]

    def sink(self):
        """A socket that nobody reads takes the datagrams, so that no ICMP answers. To be terminated."""
        process = subprocess.Popen(
            inside(self.receiver, sys.executable, "-c",
                   f"import socket,signal; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(('{RECEIVER_ADDRESS}',{PORT})); print(flush=True); signal.pause()"),
            stdout=subprocess.PIPE)
        process.stdout.readline()
        return process


def inside(namespace, *command):
    return ["ip", "netns", "exec", namespace, *command]


class Interception:
    """`interceptor intercept` in a namespace, from the rules in place till the summary."""

    def __init__(self, namespace, *options, core=None):
        command = [f"{ROOT}/interceptor", "intercept", "--quiet", "--json", *options]
        self.process = subprocess.Popen(
            inside(namespace, *(on_core(core) if core else []), *command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.words = ""
        for line in self.process.stderr:
            self.words += line
            if "rules in place" in line:
                return
        self.process.wait()
        raise SystemExit(f"interceptor intercept {' '.join(options)}: exit {self.process.returncode}: {self.words}")

    def end(self):
        """Ends it; gives its lines of JSON, the last of which is the summary."""
        self.process.send_signal(signal.SIGTERM)
        output, errors = self.process.communicate(timeout=120)
        if self.process.returncode:
            raise SystemExit(f"interceptor intercept: exit {self.process.returncode}: {self.words}{errors}")
        return [json.loads(line) for line in output.splitlines()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


class Arrivals:
    """The receiver of flood's datagrams, `tool` being arrivals.c."""

    def __init__(self, pair, tool):
        self.process = subprocess.Popen(
            inside(pair.receiver, *PROMPT, tool, RECEIVER_ADDRESS, str(PORT)), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.process.stdout.readline()
        self.damaged, self.bits = 0, 0

    def end(self):
        """Rows of number, sent and arrived (ns), in the order of arrival."""
        self.process.send_signal(signal.SIGTERM)
        output, errors = self.process.communicate(timeout=60)
        self.damaged, self.bits = (int(number) for number in re.findall(rb"\d+", errors))
        numbers = array.array("q", output)
        return list(zip(numbers[0::3], numbers[1::3], numbers[2::3]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
