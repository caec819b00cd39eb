# SPDX-License-Identifier: MIT
"""Who takes part, how each is started, and what each cannot do.

A peer is as good as its own documentation makes it: TCP_NODELAY, a long queue, no limit on
connections, buffers of a sensible size.
"""

import os
import pwd
from dataclasses import dataclass, field

ONE_AT_A_TIME = "serves one connection at a time"
FORKS = "one process or more for each connection: measured up to 1,000 of them"
FORKED_MOST = 1000
TCP, UDP, BOTH = ("tcp",), ("udp",), ("tcp", "udp")


@dataclass(frozen=True)
class Peer:
    """A server that can be started. command(place) gives its argv; place is of servers.py."""

    name: str
    kind: str  # "echod", "peer" or "floor"
    text: str
    program: str  # what it needs, by its name in programs.py
    command: object
    transports: tuple = TCP
    version: tuple = ()  # prints its version in the first line
    most: int = 0  # connections at the same time; 0: as many as there are descriptors
    why: str = ""  # not more than that
    cannot: dict = field(default_factory=dict)  # a case's name: why not
    fixed_port: int = 0
    notifies: bool = False  # says when it is ready, by sd_notify(3)


def _own(place):
    return [place.program, str(place.port)]


def _node(place):
    return ["node", place.program, str(place.port)]


def _python(place):
    return ["python3", place.program, str(place.port)]


def _socat(place):
    # PIPE is faster than EXEC:cat but in bulk. With the default buffer: larger ones than the
    # pipe's free space make socat wait for itself.
    listen = f"TCP-LISTEN:{place.port},bind=127.0.0.1,reuseaddr,fork,nodelay,backlog=4096"
    return [place.program, listen, "PIPE"]


def _ncat(place):
    many = ["-k", "-m", "10000"]
    return [place.program, "-l", *many, "-e", "/bin/cat", "127.0.0.1", str(place.port)]


def _socket_activate(place):
    return [place.program, "-l", f"127.0.0.1:{place.port}", "--accept", "--inetd", "/bin/cat"]


# NOLIBWRAP: else it looks every client's name up, in the DNS.
XINETD_CONF = """\
defaults
{{
    instances = UNLIMITED
    per_source = UNLIMITED
    cps = 1000000 1
}}
service echo
{{
    id = echo-dgram
    type = INTERNAL UNLISTED
    port = {port}
    bind = 127.0.0.1
    socket_type = dgram
    protocol = udp
    wait = yes
    user = {user}
    flags = NOLIBWRAP
}}
service echo
{{
    id = echo-stream
    type = INTERNAL UNLISTED
    port = {port}
    bind = 127.0.0.1
    socket_type = stream
    protocol = tcp
    wait = no
    user = {user}
    flags = NODELAY NOLIBWRAP
}}
"""


def _user():
    return pwd.getpwuid(os.geteuid()).pw_name


def _xinetd(place):
    conf = place.write("xinetd.conf", XINETD_CONF.format(port=place.port, user=_user()))
    pid_file = place.path("xinetd.pid")
    return [place.program, "-dontfork", "-f", conf, "-pidfile", pid_file]


def _openbsd_inetd(place):
    # No UDP: it does not answer what comes from the loopback network, lest it answer itself.
    line = f"127.0.0.1:echo stream tcp nowait.1000000 {_user()} internal\n"
    return [place.program, "-i", "-R", "1000000", place.write("inetd.conf", line)]


def _forking(name, text, program, command, version, **more):
    more = {"version": version, "most": FORKED_MOST, "why": FORKS, **more}
    return Peer(name, "peer", text, program, command, **more)


NCAT_BULK = (
    "stands still: ncat waits for cat to read while cat waits for ncat to read, as soon as more is "
    "under way than their pipes hold"
)

PEERS = (
    Peer(
        "libuv",
        "peer",
        "C, libuv",
        "echo_libuv",
        _own,
        BOTH,
        ("pkg-config", "--modversion", "libuv"),
    ),
    Peer(
        "libevent",
        "peer",
        "C, libevent",
        "echo_libevent",
        _own,
        BOTH,
        ("pkg-config", "--modversion", "libevent_core"),
    ),
    Peer("go", "peer", "Go, a goroutine per connection", "echo_go", _own, BOTH, ("go", "version")),
    Peer("node", "peer", "JavaScript, node", "echo_node.js", _node, BOTH, ("node", "--version")),
    Peer(
        "asyncio",
        "peer",
        "Python, asyncio's Protocol",
        "echo_asyncio.py",
        _python,
        BOTH,
        ("python3", "--version"),
    ),
    Peer(
        "tutorial",
        "peer",
        "Python, a blocking loop",
        "echo_tutorial.py",
        _python,
        version=("python3", "--version"),
        most=1,
        why=ONE_AT_A_TIME,
    ),
    _forking("socat", "socat TCP-LISTEN,fork PIPE", "socat", _socat, ("dpkg:socat",)),
    _forking(
        "ncat", "ncat -l -k -e /bin/cat", "ncat", _ncat, ("dpkg:ncat",), cannot={"bulk": NCAT_BULK}
    ),
    _forking(
        "xinetd",
        "xinetd, its internal echo",
        "xinetd",
        _xinetd,
        ("dpkg:xinetd",),
        transports=BOTH,
    ),
    _forking(
        "openbsd-inetd",
        "inetd, its internal echo",
        "openbsd-inetd",
        _openbsd_inetd,
        ("deb:openbsd-inetd",),
        fixed_port=7,
    ),
    _forking(
        "socket-activate",
        "systemd-socket-activate, cat",
        "systemd-socket-activate",
        _socket_activate,
        ("dpkg:systemd",),
    ),
)

FLOORS = (
    Peer(
        "floor_blocking",
        "floor",
        "C, a bare loop of blocking recv and send",
        "floor_blocking",
        _own,
        most=1,
        why=ONE_AT_A_TIME,
    ),
    Peer("floor_epoll", "floor", "C, a bare epoll loop", "floor_epoll", _own),
    Peer("floor_udp", "floor", "C, a bare loop of recvfrom and sendto", "floor_udp", _own, UDP),
)


# ---- echod ----

POLICY = "policy"
DENIED = [f"10.{number}.0.0/16" for number in range(100)]
NEVER_REACHED = "1000000"  # per second


def _literal(value):
    """How libconfig writes it."""
    if isinstance(value, (list, tuple)):
        return "[ " + ", ".join(map(_literal, value)) + " ]"
    number = value.lstrip("-").isdigit() or value in ("true", "false")
    return value if number else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def echod_conf(settings):
    """A configuration file from {"port": "7", "limits.connections": "20000"}."""
    lines, groups = [], {}
    for key, value in settings.items():
        group, _, name = key.rpartition(".")
        line = f"{name} = {_literal(value)};"
        (groups.setdefault(group, []) if group else lines).append(line)
    lines += [f"{group}: {{ {' '.join(inside)} }};" for group, inside in groups.items()]
    return "\n".join(lines) + "\n"


def _echod(name, text, program, settings):
    def command(place):
        all_settings = {
            "host": "127.0.0.1",
            "port": str(place.port),
            "protocols": BOTH,
            "log.target": "stderr",
            **settings,
        }
        return [program, "--config", place.write("echod.conf", echod_conf(all_settings))]

    return Peer(
        name, "echod", text, program, command, BOTH, (program, "--version"), notifies=True
    )


def echod(name, program, settings, connections):
    """An echod with settings of its own, and room for so many connections, of any source."""
    text = "echod" + "".join(f", {key} = {value}" for key, value in settings.items())
    room = {
        "limits.connections": str(connections),
        "limits.connections_per_source": "0",
        "limits.connection_rate_per_source": "0",
        "limits.datagram_rate_per_source": "0",
    }
    return _echod(name, text, program, {**room, **settings})


def with_policy(program, settings, connections):
    """The same with all its policy on, though nobody ever comes up against it."""
    text = f"the same echod, each source limited, {len(DENIED)} networks denied"
    policy = {
        "limits.connections": str(connections),
        "limits.connections_per_source": str(connections),
        "limits.connection_rate_per_source": NEVER_REACHED,
        "limits.datagram_rate_per_source": NEVER_REACHED,
        "access.deny": DENIED,
    }
    return _echod(POLICY, text, program, {**policy, **settings})
