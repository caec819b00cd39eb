# SPDX-License-Identifier: MIT
"""A network of its own: a namespace in which there is nothing but the loopback device.

So there is nobody else's traffic, no packet filter, no port that is taken, and nothing that could
leave the machine. Its congestion control is not one that paces (BBR): on a device without delay
that measures timers, not servers.
"""

import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
CONGESTION_CONTROL = Path("/proc/sys/net/ipv4/tcp_congestion_control")
ALL_PORTS = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")  # inetd wants 7
UNPACED = ("cubic", "reno")


def _unshare(flags):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _unshare_as_user():
    """Who is not root may own a network in a user namespace; it keeps its name there."""
    uid, gid = os.geteuid(), os.getegid()
    _unshare(CLONE_NEWUSER | CLONE_NEWNET)
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1", encoding="ascii")


def _loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH22x", b"lo", 0)
        flags = struct.unpack("16sH22x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", flags | IFF_UP))


def _avoid_pacing():
    for name in UNPACED:
        if CONGESTION_CONTROL.read_text(encoding="ascii").strip() in UNPACED:
            return
        try:
            CONGESTION_CONTROL.write_text(name, encoding="ascii")
        except OSError:
            pass  # Not allowed in a namespace: the next.


def enter():
    """Returns what network it is now, in words."""
    try:
        if os.geteuid() == 0:
            _unshare(CLONE_NEWNET)
        else:
            _unshare_as_user()
    except OSError as error:
        return f"the machine's own (no namespace: {error.strerror})"
    _loopback_up()
    _avoid_pacing()
    ALL_PORTS.write_text("0", encoding="ascii")
    return "a namespace with a loopback device only"


def free_port():
    """One that is free for TCP and for UDP."""
    while True:
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            stream.bind(("127.0.0.1", 0))
            try:
                datagrams.bind(stream.getsockname())
            except OSError:
                continue
            return stream.getsockname()[1]
