#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""power_cut.py FOLDER STATES SEED KIND - cut the power in many ways.

KIND is "foreign" (another program's image) or "blank".  In FOLDER a session of
work is done under record.so; then the image and the stage are put into STATES
states that a power cut may leave (power_log.py), and each is mounted and held
against what had been promised before the cut.

POWER_IGNORE_SYNCS=1: as if no sync had ever reached the disk; this must end in
losses.  So must it with the end of a path ("disc.iso", "stage.db-wal", "data",
or "/" for folders): as if those files were never synced.  POWER_LOSSES: end
after so many (20).  Needs $DISCFS and $RECORD.
"""
import os
import random
import re
import shutil
import subprocess
import sys
import time
import zlib

import power_log as pl

VARIANTS = ("none", "all", "pages", "sectors", "last")
DISCFS, BLOCK, HEAD = os.environ["DISCFS"], 2048, 65536
FOLDER = "(folder)"


class Lost(Exception):
    """A promise that was not kept."""


def run(*command, env=None):
    p = subprocess.run(command, env=env, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       timeout=60, check=False)
    text = p.stdout.decode(errors="replace").strip()
    if p.returncode:
        raise Lost(f"{' '.join(command[1:])}: status {p.returncode}: {text}")
    return text


def xorriso(image, *command):
    return run("xorriso", "-abort_on", "SORRY", "-return_with", "SORRY", "32",
               "-md5", "on", "-indev", "stdio:" + image,
               *command)


def slurp(path):
    with open(path, "rb") as f:
        return f.read()


def look(top):
    """{path: bytes, FOLDER or "-> target"} of a tree."""
    tree = {}
    for where, dirs, files in os.walk(top, onerror=raise_it):
        for name in dirs + files:
            path = os.path.join(where, name)
            short = os.path.relpath(path, top)
            if os.path.islink(path):
                tree[short] = "-> " + os.readlink(path)
            elif name in dirs:
                tree[short] = FOLDER
            else:
                tree[short] = slurp(path)
    return tree


def raise_it(err):
    raise err


class Setting:
    """Where the image, its mount and its stage are."""

    def __init__(self, top):
        self.top = top
        self.image, self.mnt = top + "/disc.iso", top + "/mnt"
        self.stage, self.log = top + "/stage", top + "/log"
        for d in (top, self.mnt, self.stage):
            os.mkdir(d, 0o700)

    def mount(self, env=None):
        run(DISCFS, "mount", "-o", "stage=" + self.stage, self.image,
            self.mnt, env=env)

    def put(self, image, tree):
        """Make the state.  The image stays the inode that it is."""
        with open(self.image, "r+b") as f:
            f.write(image)
            f.truncate()
        for name in os.listdir(self.stage):
            shutil.rmtree(os.path.join(self.stage, name), ignore_errors=True)
            if os.path.lexists(os.path.join(self.stage, name)):
                os.unlink(os.path.join(self.stage, name))
        for path, (mode, data) in sorted(tree.items()):
            if path == self.stage:
                continue
            if data is None:
                os.mkdir(path, 0o700)
                continue
            fd = os.open(path, os.O_WRONLY | os.O_CREAT, mode)
            with os.fdopen(fd, "wb") as f:
                f.write(data)


class Work:
    """What is done in the mount, and what each path was meant to be when.

    A version is [content, begun, promised]: the numbers are those of marks.
    """

    def __init__(self, setting, seed):
        self.s, self.rng = setting, random.Random(seed)
        self.versions, self.marks, self.open = {}, 0, []

    def mark(self, text):
        self.marks += 1
        pl.mark(self.s.log, f"{self.marks} {text}")
        return self.marks

    def base(self, tree):
        for path, what in tree.items():
            self.versions[path] = [[what, 0, 0]]

    def now(self, path):
        return self.versions.get(path, [[None, 0, 0]])[-1][0]

    def plan(self, at, changes):
        for path, what in changes:
            self.versions.setdefault(path, [[None, 0, 0]]).append(
                [what, at, None])
            self.open.append(self.versions[path][-1])

    def do(self, text, changes, call, *args):
        """Do one call; @changes are (path, what it is to be)."""
        self.plan(self.mark("begin " + text), changes)
        call(*args)
        self.mark("done " + text)

    def at(self, path):
        return os.path.join(self.s.mnt, path)

    def bytes(self, n):
        return self.rng.randbytes(n)

    def create(self, path, n):
        data = self.bytes(n)
        self.do("create " + path, [(path, b""), (path, data)], self._write,
                path, data)

    def _write(self, path, data):
        with open(self.at(path), "wb", buffering=0) as f:
            f.write(data)

    def patch(self, path, off, n):
        data, old = self.bytes(n), self.now(path)
        new = old[:off] + bytes(max(0, off - len(old))) + data + old[off + n:]
        self.do("patch " + path, [(path, new)], self._patch, path, off, data)

    def _patch(self, path, off, data):
        with open(self.at(path), "r+b", buffering=0) as f:
            os.pwrite(f.fileno(), data, off)

    def truncate(self, path, n):
        old = self.now(path)
        new = old[:n] + bytes(max(0, n - len(old)))
        self.do("truncate " + path, [(path, new)],
                os.truncate, self.at(path), n)

    def rename(self, a, b):
        self.do(f"rename {a} {b}", [(a, None), (b, self.now(a))], os.rename,
                self.at(a), self.at(b))

    def unlink(self, path):
        self.do("unlink " + path, [(path, None)], os.unlink, self.at(path))

    def mkdir(self, path):
        self.do("mkdir " + path, [(path, FOLDER)], os.mkdir, self.at(path))

    def symlink(self, path, to):
        self.do("symlink " + path, [(path, "-> " + to)], os.symlink, to,
                self.at(path))

    def copy(self, a, b):
        data = self.now(a)
        self.do(f"copy {a} {b}", [(b, b""), (b, data)], self._copy, a, b)

    def _copy(self, a, b):
        with open(self.at(a), "rb") as f, open(self.at(b), "wb") as g:
            n = os.fstat(f.fileno()).st_size
            while n > 0:
                n -= os.copy_file_range(f.fileno(), g.fileno(), n)

    def sync(self, path):
        """fsync(2) of one promises all that was done before it."""
        before, self.open = self.open, []
        fd = os.open(self.at(path), os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)
        at = self.mark("acked " + path)
        for version in before:
            version[2] = at

    def publish(self, before):
        """A burn has succeeded: what was done before it is on the disc."""
        at = self.mark("published")
        for version in before:
            version[2] = version[2] or at

    # --- the session of work -------------------------------------------------

    def before_commit(self, tag):
        self.create(f"{tag}-a", 70000)
        self.sync(f"{tag}-a")
        self.mkdir(f"{tag}-dir")
        self.create(f"{tag}-dir/b", 9000)
        self.patch(f"{tag}-a", 4096, 4096)
        self.sync(f"{tag}-dir/b")
        self.patch(f"{tag}-a", 8192, 4096)
        self.patch(f"{tag}-a", 8192, 4096)
        self.create(f"{tag}-new", 20000)
        self.sync(f"{tag}-new")
        self.rename(f"{tag}-new", f"{tag}-a")
        self.sync(f"{tag}-a")
        self.truncate(f"{tag}-a", 5000)
        self.copy(f"{tag}-dir/b", f"{tag}-c")
        self.symlink(f"{tag}-link", "nowhere")
        self.sync(f"{tag}-c")
        self.truncate(f"{tag}-a", 30000)
        self.unlink(f"{tag}-dir/b")
        self.create(f"{tag}-big", 300000)
        self.sync(f"{tag}-a")

    def old_files(self, paths):
        """Work on files that are on the disc already."""
        a, b, c = paths
        self.patch(a, 100, 4096 - 200)
        self.sync(a)
        self.rename(b, "moved")
        self.unlink(c)
        self.create("again", 6000)
        self.rename("again", c)
        self.sync(c)

    def beside(self, tag):
        """While a commit is at work."""
        for i in range(4):
            self.create(f"{tag}-{i}", 15000)
            self.sync(f"{tag}-{i}")
            self.patch("first-a", 4096 * i, 1000)
            self.patch("first-big", 4096 * i, 4096)
            self.sync("first-a")

    def commit(self, tag, env, beside):
        self.mark("commit " + tag)
        before = list(self.open)
        p = subprocess.Popen((DISCFS, "commit", self.s.mnt), env=env,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if beside:
            self.beside(tag)
        text = p.communicate()[0].decode()
        if p.returncode:
            sys.exit(f"commit: {text}")
        self.publish(before)

    def all(self, env, old):
        self.s.mount(env)
        self.before_commit("first")
        if old:
            self.old_files(old)
        self.commit("one", env, True)
        self.before_commit("second")
        self.old_files(("first-big", "first-c", "one-1"))
        self.commit("two", env, False)
        self.before_commit("third")
        self.mark("umount")
        run(DISCFS, "umount", self.s.mnt, env=env)
        self.publish(self.open)


def make_image(s, kind, rng):
    """The image before the work; its tree."""
    if kind == "blank":
        open(s.image, "wb").close()
        return {}
    top = s.top + "/base"
    os.makedirs(top + "/old")
    for name, n in (("x", 50000), ("old/y", 3000), ("old/z", 12345)):
        with open(f"{top}/{name}", "wb") as f:
            f.write(rng.randbytes(n))
    run("xorriso", "-md5", "on", "-outdev", "stdio:" + s.image, "-map", top,
        "/", "-commit")
    return look(top)


class Judge:
    def __init__(self, setting, work, history, final, sessions, base):
        self.s, self.work, self.history = setting, work, history
        self.final, self.sessions, self.base = final, sessions, base

    def marks_at(self, cut):
        """(number of the last mark, how many sessions are published)."""
        last, published = 0, self.base
        for r in self.history.records[:cut]:
            if r.op == "mark":
                last = int(r.path.split()[0])
                published += r.path.endswith("published")
        return last, published

    def old_sessions(self, image, published):
        """Promise 2: no byte of them has changed.  The head is rewritten."""
        for at, blocks in self.sessions[:published]:
            start, end = max(at * BLOCK, HEAD), (at + blocks) * BLOCK
            if image[start:end] != self.final[start:end]:
                raise Lost(f"session at block {at}: its blocks changed")

    def listed(self, published):
        n = len(re.findall(r'"lba"', run(DISCFS, "log", "--json",
                                         self.s.image)))
        if n < published:
            raise Lost(f"log lists {n} sessions, not {published}")

    def tree(self, tree, last):
        """Promise 1: each path is what was promised, or what came later."""
        for path in sorted(tree.keys() | self.work.versions.keys()):
            v = self.work.versions.get(path)
            if v is None:
                raise Lost(f"{path}: nobody made it")
            begun = [x for x in v if x[1] <= last]
            least = max(i for i, x in enumerate(begun)
                        if x[2] is not None and x[2] <= last)
            may = [x[0] for x in begun[least:]]
            if not fits(tree.get(path), may):
                raise Lost(f"{path}: {say(tree.get(path))}, not " +
                           " or ".join(say(x) for x in may))

    def check(self, cut, variant, seed, deep):
        rng = random.Random(f"{seed} {cut} {variant}")
        last, published = self.marks_at(cut)
        image, tree = self.history.state(cut, variant, rng)
        self.s.put(image, tree)
        self.old_sessions(image, published)
        self.s.mount()
        try:
            seen = look(self.s.mnt)
            self.tree(seen, last)
        finally:
            run(DISCFS, "umount", *([] if deep else ["--keep"]), self.s.mnt)
        self.old_sessions(slurp(self.s.image), published)
        self.listed(published)
        if deep:
            self.burned(seen, published)

    def burned(self, seen, published):
        """What xorriso reads of the last session, and of those before."""
        out = self.s.top + "/out"
        if not seen and not published:
            return
        xorriso(self.s.image, "-osirrox", "on", "-extract", "/", out)
        got = look(out)
        run("chmod", "-R", "u+w", out)
        shutil.rmtree(out)
        for path in sorted(got.keys() | seen.keys()):
            if got.get(path) != seen.get(path):
                raise Lost(f"burned {path}: {say(got.get(path))}, not "
                           f"{say(seen.get(path))}")
        for at, _ in self.sessions[:published]:
            text = run("xorriso", "-abort_on", "SORRY", "-return_with",
                       "SORRY", "32", "-md5", "on", "-load", "sbsector",
                       str(at), "-indev", "stdio:" + self.s.image,
                       "-check_md5_r", "FAILURE", "/", "--")
            if "MISMATCH" in text:
                raise Lost(f"session at block {at}: {text}")


def fits(what, may):
    """Whether it is one of these, or a mix of their sectors.

    A write that nobody has acknowledged may be torn.
    """
    if what in may:
        return True
    files = [x for x in may if isinstance(x, bytes)]
    if not isinstance(what, bytes) or len(files) < 2:
        return False
    sizes = [len(x) for x in files]
    if not min(sizes) <= len(what) <= max(sizes):
        return False
    for at in range(0, len(what), pl.SECTOR):
        part = what[at:at + pl.SECTOR]
        if not any(part == x[at:at + len(part)].ljust(len(part), b"\0")
                   for x in files):
            return False
    return True


def say(what):
    if isinstance(what, bytes):
        return f"{len(what)} bytes (CRC {zlib.crc32(what):08x})"
    return "absent" if what is None else what


def toc(image):
    found = re.findall(r"ISO session *: *\d+ *, *(\d+) *, *(\d+)s",
                       xorriso(image, "-toc"))
    return [(int(a), int(b)) for a, b in found]


def record(s, kind, seed):
    rng = random.Random(seed)
    tree = make_image(s, kind, rng)
    first = slurp(s.image)
    env = dict(os.environ, LD_PRELOAD=os.environ["RECORD"], POWER_LOG=s.log,
               POWER_WATCH=f"{s.image}:{s.stage}",
               ASAN_OPTIONS="verify_asan_link_order=0:" +
               os.environ.get("ASAN_OPTIONS", ""))
    work = Work(s, seed)
    work.base(tree)
    work.all(env, ("x", "old/y", "old/z") if tree else None)
    history = pl.History(s.log, s.image, first, s.stage,
                         os.environ.get("POWER_IGNORE_SYNCS"))
    final = slurp(s.image)
    replayed, _ = history.state(len(history.records), "all", rng)
    if replayed != final:
        sys.exit("the log does not make the image that there is")
    return Judge(s, work, history, final, toc(s.image), int(kind != "blank"))


def cuts(history, states, rng):
    """(cut, variant): each variant as often.

    Two of three cuts are spread evenly over the records; the third is where the
    image is being written, most of all its head, since that is soon over.
    """
    n = len(history.records)
    changes = history.image.changes
    burning = [c for c, _ in changes]
    burning += [c for c, r in changes if r.op == "write" and r.a < HEAD] * 12
    chosen = []
    for i in range(states):
        cut = rng.randint(i * n // states, (i + 1) * n // states)
        if i % 3 == 2:
            cut = rng.choice(burning) + rng.randint(1, 3)
        chosen.append((min(cut, n), VARIANTS[i % len(VARIANTS)]))
    return chosen


def main():
    top, states, seed, kind = sys.argv[1:5]
    judge = record(Setting(top), kind, int(seed))
    rng = random.Random(int(seed))
    chosen = cuts(judge.history, int(states), rng)
    image = judge.history.image.changes
    print(f"{kind}: {len(judge.history.records)} records, {len(image)} writes "
          f"of the image, {len(judge.history.image.syncs)} syncs of it, "
          f"{len(judge.sessions)} sessions", flush=True)
    lost, began = 0, time.monotonic()
    for i, (cut, variant) in enumerate(chosen):
        try:
            judge.check(cut, variant, seed, i % 9 == 8)
        except (Lost, OSError, subprocess.TimeoutExpired) as err:
            lost += 1
            print(f"{kind} seed {seed} cut {cut} {variant}: {err}; behind "
                  f"{judge.history.where(cut)}", flush=True)
            if os.path.ismount(judge.s.mnt):
                subprocess.run(("umount", "-i", "-l", judge.s.mnt),
                               check=False)
            if lost == int(os.environ.get("POWER_LOSSES", "20")):
                break
    print(f"{kind}: {i + 1} states, {len(set(c for c, _ in chosen))} cuts, "
          f"{lost} lost, {time.monotonic() - began:.1f} s")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
