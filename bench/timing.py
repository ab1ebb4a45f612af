"""Runs commands in turn (A B A B ...) and compares their medians. Used by the scripts beside it."""
import statistics
import subprocess
import time


def wall(command):
    start = time.monotonic()
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    elapsed = time.monotonic() - start
    if result.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {result.returncode}: {result.stderr.decode('utf-8', 'replace').strip()}")
    return elapsed


def compare(title, commands, runs):
    """`commands` maps a name to an argument vector; the first is ours, the others are the peers."""
    times = {name: [] for name in commands}
    for command in commands.values():
        wall(command)                                   # warm-up: page cache and just-in-time compilation are not the question
    for _ in range(runs):
        for name, command in commands.items():
            times[name].append(wall(command))
    print(title, flush=True)
    first = next(iter(times))
    ours = statistics.median(times[first])
    for name, values in times.items():
        median = statistics.median(values)
        ratio = "" if name == first else f"   ours/its {ours / median:.2f}"
        print(f"  {name:<24} {' '.join(f'{value:.3f}' for value in values)}   median {median:.3f} s{ratio}", flush=True)
