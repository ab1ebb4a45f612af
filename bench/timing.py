"""Runs commands in turn (A B A B ...) and compares their medians. Used by the scripts beside it."""
import os
import statistics
import subprocess
import time


SLOW = 15     # seconds from which on a command is run twice in all, however many runs were asked for


class Sample:
    """One run: wall time in s, processor time in s, peak memory in MiB (ru_maxrss)."""

    def __init__(self, wall, processor, peak):
        self.wall, self.processor, self.peak = wall, processor, peak


def run(command, cores=None, setup=None, stdout=subprocess.DEVNULL):
    """One run of an argument vector, pinned to `cores` (a set) if given; `setup` is called before, outside the time."""
    if setup:
        setup()
    pin = (lambda: os.sched_setaffinity(0, cores)) if cores else None
    start = time.monotonic()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, preexec_fn=pin)
    error = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    elapsed = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stderr.close()
    if child.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {child.returncode}: {error.decode('utf-8', 'replace').strip()}")
    return Sample(elapsed, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def compare(title, commands, runs, cores=None, setup=None):
    """
    `commands` maps a name to an argument vector; the first is ours, the others are the peers. Prints each run's wall time with median and ratio, and the
    medians of processor time and peak memory; gives the ratios of wall and processor time by name.
    """
    samples = {name: [] for name in commands}
    for name, command in commands.items():
        warm_up = run(command, cores, setup)            # for the page cache, mostly; where it takes long, it counts
        if warm_up.wall > SLOW:
            samples[name].append(warm_up)
    for _ in range(runs):
        for name, command in commands.items():
            if len(samples[name]) < 2 or samples[name][0].wall <= SLOW:
                samples[name].append(run(command, cores, setup))
    print(title, flush=True)
    first = next(iter(samples))
    median = {name: (statistics.median(s.wall for s in values), statistics.median(s.processor for s in values)) for name, values in samples.items()}
    ratios = {}
    for name, values in samples.items():
        wall, processor = median[name]
        text = f"  {name:<24} {' '.join(f'{s.wall:.3f}' for s in values)}   median {wall:.3f} s, processor {processor:.3f} s, peak {max(s.peak for s in values):.0f} MiB"
        if name != first:
            ratios[name] = wall / median[first][0], processor / median[first][1]
            text += f"   its/ours {ratios[name][0]:.2f} wall, {ratios[name][1]:.2f} processor"
        print(text, flush=True)
    return ratios
