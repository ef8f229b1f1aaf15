"""Run README's two commands in a minimal Debian that has python3, git and make, and nothing else.

debootstrap makes that Debian, of this machine's release and from this machine's own sources of packages; it is kept as
an archive for a week. This machine's configuration of apt and pip, the folders that pip's configuration names, and the
certificates are seen in there read-only. Mounts and processes live in namespaces of their own and end with the run.

Needs root on Debian: `make fresh`. Set FRESH_TEST to run another command in place of `make test`.
"""

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

PROJECT = Path(__file__).parents[2]
WITH = ("python3", "git", "make")
"""What README asks for. Its section names no other package."""

CERTIFICATES = "ca-certificates"
"""There from the start: where this machine's own certificates are seen read-only, apt can't unpack it later."""

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deskyard-fresh"
KEPT = 7 * 24 * 3600
LIMIT = {"make test": 5400, "make demo": 1800}
"""Seconds that each command may take on a machine that does other things, too."""

ADDRESS = "http://127.0.0.1:8000"
READY = "Ctrl-C stops everything"
"""Said by `make demo` when new tickets have been routed and it goes on serving."""

HOME = Path.home()
READ_ONLY = (
    "/etc/resolv.conf", "/etc/hosts", "/etc/apt", "/usr/share/keyrings", "/etc/ssl/certs", "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates", "/etc/pip.conf", "/etc/uv", f"{HOME}/.pip", f"{HOME}/.config/pip",
    f"{HOME}/.config/uv",
)  # fmt: skip
PASSED = re.compile(r"(PIP|UV)_\w+|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|(https?|no|all)_proxy", re.I)


def commands() -> list[str]:
    """The lines of the first block of shell under README's "Two commands"."""
    section = (PROJECT / "README.md").read_text(encoding="utf-8").split("## Two commands", 1)[1]
    block = re.search(r"```sh\n(.*?)```", section, re.S)
    assert block, "README.md has no block of shell under 'Two commands'"
    return [line for raw in block[1].splitlines() if (line := raw.partition("#")[0].strip())]


def release() -> str:
    found = re.search(r"^VERSION_CODENAME=(\w+)$", Path("/etc/os-release").read_text(), re.M)
    if not found:
        sys.exit("make fresh needs Debian: /etc/os-release names no release.")
    return found[1]


def source(codename: str) -> str:
    """The address from which this machine's apt takes that release."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"]
    for line in subprocess.run(asked, check=True, capture_output=True, text=True).stdout.splitlines():
        address, suite, component = line.split()
        if (suite, component) == (codename, "main"):
            return address
    sys.exit(f"apt's sources name no {codename} main.")


def archive() -> Path:
    """A minimal system as a tar archive, made anew where there is none, or an old one."""
    codename = release()
    packed = CACHE / f"{codename}.tar"
    if packed.exists() and time.time() - packed.stat().st_mtime < KEPT:
        print(f"The minimal {codename} of {time.ctime(packed.stat().st_mtime)} is used again: {packed}", flush=True)
        return packed
    if not shutil.which("debootstrap"):
        print("Installing debootstrap", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", "debootstrap"], check=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        made = [f"{folder}/root", source(codename)]
        arguments = ["--variant=minbase", f"--include={','.join((*WITH, CERTIFICATES))}", codename, *made]
        print(f"$ debootstrap {shlex.join(arguments[:3])}", flush=True)
        subprocess.run(["debootstrap", *arguments], check=True, timeout=1800, stdout=subprocess.DEVNULL)
        subprocess.run(["tar", "-C", made[0], "-cf", f"{folder}/root.tar", "."], check=True)
        Path(folder, "root.tar").replace(packed)
    return packed


def pip_folders() -> list[str]:
    """Folders of this machine that pip's configuration names."""
    files = [Path("/etc/pip.conf"), HOME / ".pip/pip.conf", HOME / ".config/pip/pip.conf"]
    said = [file.read_text() for file in files if file.exists()]
    said += [value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))]
    named = {word.removeprefix("file://") for text in said for word in re.split(r"[\s=,]+", text)}
    folders = {re.sub(r"/simple/?$", "", name) for name in named if name.startswith("/")}
    return sorted(name for name in folders if Path(name).is_dir() and name != "/")


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def furnish(root: Path) -> None:
    """Mount what the system needs to run, and what it sees of this machine."""
    mount("--make-rprivate", "/")
    mount("-t", "proc", "proc", f"{root}/proc")
    mount("--rbind", "/dev", f"{root}/dev")
    mount("-t", "tmpfs", "tmpfs", f"{root}/tmp")
    for name in (*READ_ONLY, *pip_folders()):
        here, there = Path(name), root / name.lstrip("/")
        if not here.exists():
            continue
        if here.is_dir():
            there.mkdir(parents=True, exist_ok=True)
        else:
            there.parent.mkdir(parents=True, exist_ok=True)
            there.touch()
        mount("--bind", name, str(there))
        mount("-o", "remount,bind,ro", str(there))


def environment() -> dict[str, str]:
    own = {"HOME": "/root", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    return own | {name: value for name, value in os.environ.items() if PASSED.fullmatch(name)}


def run(root: Path, line: str) -> str:
    """Run one command in there; what went wrong, or "". One that serves is ended as by Ctrl-C, once it answers."""
    print(f"\n$ {line}", flush=True)
    log = root / "root" / "said.txt"
    inside = ["chroot", str(root), "/bin/sh", "-c", f"cd /root/deskyard && {line}"]
    until = time.monotonic() + LIMIT.get(line, 3600)
    served = shown = 0
    with log.open("wb") as out:
        process = subprocess.Popen(inside, env=environment(), stdout=out, stderr=out, start_new_session=True)
    while process.poll() is None and time.monotonic() < until:
        time.sleep(0.5)
        said = log.read_bytes()
        sys.stdout.write(said[shown:].decode(errors="replace"))
        sys.stdout.flush()
        shown = len(said)
        if READY.encode() in said and not served:
            with urllib.request.urlopen(f"{ADDRESS}/readyz", timeout=30) as answer:
                served = answer.status
            os.killpg(process.pid, signal.SIGINT)
            until = min(until, time.monotonic() + 120)
    sys.stdout.write(log.read_bytes()[shown:].decode(errors="replace"))
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        return "it took too long"
    if served:
        return "" if served == 200 else f"it answered {served}"
    if line == "make demo":
        return "it ended before it served"
    return "" if process.returncode == 0 else f"it ended with code {process.returncode}"


def inside(root: Path) -> int:
    """In namespaces of their own: every command in turn. 0 where all went well."""
    furnish(root)
    results = {}
    for line in commands():
        line = os.environ.get("FRESH_TEST") or line if line == "make test" else line
        began = time.monotonic()
        wrong = run(root, line)
        results[line] = f"{wrong or 'passed'} after {(time.monotonic() - began) / 60:.1f} minutes", bool(wrong)
    print(f"\nOn a minimal {release()} with {', '.join(WITH)}:")
    for line, (told, _) in results.items():
        print(f"  {line}: {told}")
    return int(any(bad for _, bad in results.values()))


def main() -> int:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit("make fresh makes a system of its own with debootstrap: run it as root on Debian.")
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", 8000), timeout=5):
        sys.exit(f"`make demo` serves on {ADDRESS}, and something answers there already: end it first.")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # else `make demo` ignores it, too
    packed = archive()
    root = Path(tempfile.mkdtemp(prefix="deskyard-fresh-", dir="/var/tmp"))
    try:
        subprocess.run(["tar", "-C", str(root), "-xpf", str(packed)], check=True)
        subprocess.run(["git", "clone", "--quiet", str(PROJECT), str(root / "root" / "deskyard")], check=True)
        print(f"$ {shlex.join(commands())}: in {root}", flush=True)
        alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", sys.executable, __file__, "inside", str(root)]
        return subprocess.run(alone, check=False).returncode
    finally:
        mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        if any(place.startswith(str(root)) for place in mounted):
            print(f"{root} is still mounted and was left as it is.", file=sys.stderr)
        else:
            shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(inside(Path(sys.argv[2])) if sys.argv[1:2] == ["inside"] else main())
