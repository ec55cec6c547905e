"""Machines that are namespaces of this one's network, each on a link of its own to a switch, as wide as one likes.

The kernel's token bucket (tc's tbf) holds what a machine sends to a rate; the switch, a process that passes frames from
one device to another, holds each back for a while: not every kernel has tc's netem. Needs root, ip and tc, and leaves
nothing behind: devices go with the switch, namespaces with the context.

    python -m benchmarks.links      the switch: asked for by `linked`, with the delay and the machines' names
"""

import contextlib
import fcntl
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence

NETWORK = "10.77.0"
MTU = 1500
FRAME = 10 + 14 + (1 << 16)  # what is read at once: virtio's header, Ethernet's, and what the kernel left in one piece
BURST = "128k"  # bytes: more than the largest piece
WAITING = "100ms"  # that a machine's own queue may be long
# of linux/if_tun.h
_SET_DEVICE, _SET_OFFLOAD = 0x400454CA, 0x400454D0
_TAP, _NO_INFORMATION, _HEADER = 0x0002, 0x1000, 0x4000
_CHECKSUM, _SEGMENTS_4, _SEGMENTS_6 = 1, 2, 4
READY = "ready"


def missing() -> str:
    """Why there can be no such machines here, in a line; empty where there can."""
    if os.geteuid():
        return "only root may make namespaces of the network"
    for tool in ("ip", "tc"):
        if not shutil.which(tool):
            return f"{tool} is not installed: it is in the package iproute2"
    try:
        with linked(1, megabits=100, delay=0):
            pass
    except (OSError, subprocess.CalledProcessError, RuntimeError) as error:
        said = getattr(error, "stderr", "") or str(error)
        return f"this machine refuses: {' '.join(said.split())}"
    return ""


@contextlib.contextmanager
def linked(machines: int, *, megabits: float, delay: float) -> Iterator[list[str]]:
    """Names of namespaces that reach each other at `address`. delay: seconds from one to another."""
    names = [f"embertext-{os.getpid()}-{number}" for number in range(machines)]
    with contextlib.ExitStack() as stack:
        for name in names:
            _run("ip", "netns", "add", name)
            stack.callback(_run, "ip", "netns", "delete", name)
        switch = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.links", str(delay), *names],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        stack.callback(_end, switch)
        assert switch.stdout
        assert switch.stderr
        if switch.stdout.readline().strip() != READY:
            raise RuntimeError(switch.stderr.read()[-300:] or "the switch has ended")
        for number, name in enumerate(names):
            device = _device(number)
            inside = within(name)
            _run(*inside, "ip", "link", "set", "lo", "up")
            _run(*inside, "ip", "address", "add", f"{address(number)}/24", "dev", device)
            _run(*inside, "ip", "link", "set", device, "mtu", str(MTU), "up")
            rate = ("rate", f"{megabits}mbit", "burst", BURST, "latency", WAITING)
            _run(*inside, "tc", "qdisc", "add", "dev", device, "root", "tbf", *rate)
        yield names


def within(name: str) -> tuple[str, ...]:
    """What a command begins with that is to run in a machine."""
    return "ip", "netns", "exec", name


def address(number: int) -> str:
    """Of a machine, counted from 0."""
    return f"{NETWORK}.{number + 1}"


def _device(number: int) -> str:
    return f"ember{number}"


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    process.wait(10)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()


def switch(delay: float, names: Sequence[str]) -> None:
    """Make a device for each machine, and pass on what comes out of them until it is told to end, or is left alone."""
    with contextlib.suppress(OSError):  # where it waits for a core, links seem slower than they are
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(20))
    devices = [_tap(number, name) for number, name in enumerate(names)]
    print(READY, flush=True)
    waiting: deque[tuple[float, int, bytes]] = deque()
    while True:
        pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        heard, _, _ = select.select([0, *devices], [], [], pause)
        if 0 in heard:  # whoever asked for it has gone
            return
        now = time.monotonic()
        for device in heard:
            with contextlib.suppress(BlockingIOError):
                while True:
                    frame = os.read(device, FRAME)
                    waiting += [(now + delay, other, frame) for other in _receivers(frame, device, devices)]
        while waiting and waiting[0][0] <= time.monotonic():
            _, device, frame = waiting.popleft()
            with contextlib.suppress(OSError):  # full, or still down: lost, as on any network
                os.write(device, frame)


def _receivers(frame: bytes, sender: int, devices: Sequence[int]) -> list[int]:
    """By the last byte of the address that it is sent to; all others, where it is for everyone."""
    to = frame[10:16]
    if to[0] & 1:
        return [device for device in devices if device != sender]
    return [devices[to[5]]] if to[5] < len(devices) else []


def _tap(number: int, machine: str) -> int:
    """A device in a machine, and the file from which what it sends is read. Large pieces are passed on uncut."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    flags = _TAP | _NO_INFORMATION | _HEADER
    name = f"emb{os.getpid()}-{number}"[:15]  # for a moment it is among the devices of everyone
    fcntl.ioctl(device, _SET_DEVICE, struct.pack("16sH22x", name.encode(), flags))
    fcntl.ioctl(device, _SET_OFFLOAD, _CHECKSUM | _SEGMENTS_4 | _SEGMENTS_6)
    _run("ip", "link", "set", name, "address", f"02:00:00:00:00:{number:02x}")
    _run("ip", "link", "set", name, "netns", machine, "name", _device(number))
    return device


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    switch(float(sys.argv[1]), sys.argv[2:])
