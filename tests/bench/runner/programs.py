# SPDX-License-Identifier: MIT
"""Finds, builds or fetches what the servers need; what cannot be had is named."""

import os
import shutil
import subprocess
from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent / "peers"
INETD = "openbsd-inetd"
BUILD_SECONDS = 180


class Missing(Exception):
    """Says what is not there."""


def _run(argv, **more):
    try:
        done = subprocess.run(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=BUILD_SECONDS, **more
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{argv[0]}: {error}") from error
    output = done.stdout.decode(errors="replace").strip()
    if done.returncode != 0:
        raise Missing(f"{argv[0]} failed: {output.splitlines()[-1] if output else 'no output'}")
    return output


def _tool(name):
    # sbin is where daemons are, and not in everyone's path.
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
    if not found:
        raise Missing(f"{name} is not installed")
    return found


def _flags(library):
    _tool("pkg-config")
    try:
        return _run(["pkg-config", "--cflags", "--libs", library]).split()
    except Missing:
        raise Missing(f"pkg-config does not know {library}") from None


def _cc(source, output, library):
    compiler = os.environ.get("CC", "cc").split()
    _tool(compiler[0])
    flags = ["-std=gnu11", "-O2", "-D_GNU_SOURCE"]
    _run([*compiler, *flags, "-o", str(output), str(source), *_flags(library)])


def _go(source, output):
    cache = output.parent / "go-cache"
    _tool("go")
    _run(
        ["go", "build", "-o", str(output), str(source)],
        cwd=output.parent,
        env={**os.environ, "GOCACHE": str(cache), "GOFLAGS": "", "GO111MODULE": "off"},
    )


def _fetch_inetd(directory):
    """inetd, unpacked beside everything: the package cannot be installed together with xinetd."""
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise Missing("apt-get and dpkg, to unpack openbsd-inetd, are not installed")
    _run(["apt-get", "-q", "-o", "APT::Sandbox::User=", "download", INETD], cwd=directory)
    package = max(directory.glob(INETD + "_*.deb"), key=lambda path: path.stat().st_mtime)
    _run(["dpkg", "-x", str(package), str(directory / INETD)])


# ---- what each program comes from ----

BUILT = {
    "echo_libuv": lambda source, output: _cc(source, output, "libuv"),
    "echo_libevent": lambda source, output: _cc(source, output, "libevent_core"),
    "echo_go": _go,
}
SUFFIX = {"echo_libuv": ".c", "echo_libevent": ".c", "echo_go": ".go"}
INTERPRETERS = {".py": "python3", ".js": "node"}


class Programs:
    """Where they are. directory is for what is built, bench for what make has built."""

    def __init__(self, bench, directory, may_build):
        self.bench, self.directory, self.may_build = bench, directory, may_build

    def find(self, name):
        """Its path. Raises Missing."""
        if os.sep in name:
            return self._existing(Path(name))
        if name in BUILT:
            return self._built(name)
        if Path(name).suffix in INTERPRETERS:
            _tool(INTERPRETERS[Path(name).suffix])
            return str(SOURCES / name)
        if name == INETD:
            return self._inetd()
        if name.startswith("floor_"):
            return self._existing(self.bench / name)
        return _tool(name)

    @staticmethod
    def _existing(path):
        if not os.access(path, os.X_OK):
            raise Missing(f"{path} does not exist")
        return str(path)

    def _built(self, name):
        source, output = SOURCES / (name + SUFFIX[name]), self.directory / name
        if output.exists() and output.stat().st_mtime >= source.stat().st_mtime:
            return str(output)
        if not self.may_build:
            raise Missing(f"{name} is not built (make bench does that)")
        self.directory.mkdir(parents=True, exist_ok=True)
        BUILT[name](source, output)
        return str(output)

    def _inetd(self):
        path = self.directory / INETD / "usr/sbin/inetd"
        if not path.exists():
            if not self.may_build:
                raise Missing(f"{INETD} is not unpacked (make bench does that)")
            self.directory.mkdir(parents=True, exist_ok=True)
            _fetch_inetd(self.directory)
        return str(path)

    def version(self, peer):
        """A line, or "": what is not a program's own answer comes from the package manager."""
        if not peer.version:
            return ""
        kind, _, package = peer.version[0].partition(":")
        try:
            if kind == "dpkg":
                return _run(["dpkg-query", "-W", "-f", "${Version}", package])
            if kind == "deb":
                package_file = next(self.directory.glob(package + "_*.deb"))
                return _run(["dpkg-deb", "-f", str(package_file), "Version"])
            return _run(list(peer.version)).splitlines()[0]
        except (Missing, StopIteration, IndexError):
            return ""
