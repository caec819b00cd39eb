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


@dataclass(frozen=True)
class Peer:
    """A server that can be started. command(place) gives its argv; place is of servers.py."""

    name: str
    kind: str  # "echod", "peer" or "floor"
    text: str
    program: str  # what it needs, by its name in programs.py
    command: object
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
    line = f"127.0.0.1:echo stream tcp nowait.1000000 {_user()} internal\n"
    return [place.program, "-i", "-R", "1000000", place.write("inetd.conf", line)]


def _forking(name, text, program, command, version, **more):
    return Peer(name, "peer", text, program, command, version, FORKED_MOST, FORKS, **more)


NCAT_BULK = (
    "stands still: ncat waits for cat to read while cat waits for ncat to read, as soon as more is "
    "under way than their pipes hold"
)

PEERS = (
    Peer("libuv", "peer", "C, libuv", "echo_libuv", _own, ("pkg-config", "--modversion", "libuv")),
    Peer(
        "libevent",
        "peer",
        "C, libevent",
        "echo_libevent",
        _own,
        ("pkg-config", "--modversion", "libevent_core"),
    ),
    Peer("go", "peer", "Go, a goroutine per connection", "echo_go", _own, ("go", "version")),
    Peer("node", "peer", "JavaScript, node", "echo_node.js", _node, ("node", "--version")),
    Peer(
        "asyncio",
        "peer",
        "Python, asyncio's Protocol",
        "echo_asyncio.py",
        _python,
        ("python3", "--version"),
    ),
    Peer(
        "tutorial",
        "peer",
        "Python, a blocking loop",
        "echo_tutorial.py",
        _python,
        ("python3", "--version"),
        1,
        ONE_AT_A_TIME,
    ),
    _forking("socat", "socat TCP-LISTEN,fork PIPE", "socat", _socat, ("dpkg:socat",)),
    _forking(
        "ncat", "ncat -l -k -e /bin/cat", "ncat", _ncat, ("dpkg:ncat",), cannot={"bulk": NCAT_BULK}
    ),
    _forking("xinetd", "xinetd, its internal echo", "xinetd", _xinetd, ("dpkg:xinetd",)),
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
)


# ---- echod ----


def _literal(value):
    """How libconfig writes it."""
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


def echod(name, program, settings, connections):
    """An echod with settings of its own, and room for so many connections."""

    def command(place):
        all_settings = {
            "host": "127.0.0.1",
            "port": str(place.port),
            "limits.connections": str(connections),
            "limits.connections_per_source": str(connections),
            "log.target": "stderr",
            **settings,
        }
        return [program, "--config", place.write("echod.conf", echod_conf(all_settings))]

    text = "echod" + "".join(f", {key} = {value}" for key, value in settings.items())
    return Peer(name, "echod", text, program, command, (program, "--version"), notifies=True)
