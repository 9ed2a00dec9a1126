# SPDX-License-Identifier: GPL-2.0-or-later
"""What record.c wrote down, and what a disk may hold after a power cut.

A cut is a number of records: those before it were done.  Of a file, all that
was done before its last finished sync began is on the disk; of what was done
since, each unit (a page of 4 KiB, or a sector of 512 bytes) has one of the
versions that it had since then, and the size is one of those too.  Names are
an ordered prefix of the changes of names, which has at least all that stands
before the last finished sync of a folder.
"""
import os
import struct

HEADER = struct.Struct("<8sQQQQII")
PAGE, SECTOR = 4096, 512
DATA_OPS = ("write", "trunc", "falloc", "opentr")
NAME_OPS = ("open", "opentr", "mkdir", "unlink", "rename", "link")
KEEP_SIZE, PUNCH, ZERO = 1, 2, 16


class Record:
    """One record; .file is the number of the file that it is about."""

    def __init__(self, head, path, data):
        self.op = head[0].rstrip(b"\0").decode()
        self.ino, self.a, self.b, self.mode = head[1], head[2], head[3], head[6]
        self.path, self.data, self.file = path, data, None


def mark(log, text):
    """Append a record of the driver's own."""
    fd = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    text = text.encode()
    os.write(fd, HEADER.pack(b"mark", 0, 0, 0, 0, len(text), 0) + text)
    os.close(fd)


def read_log(log):
    records, at = [], 0
    with open(log, "rb") as f:
        raw = f.read()
    while at < len(raw):
        head = HEADER.unpack_from(raw, at)
        at += HEADER.size
        path = raw[at:at + head[5]].decode()
        at += head[5]
        records.append(Record(head, path, raw[at:at + head[4]]))
        at += head[4]
    return records


class File:
    """One inode: its first content, the records of it, and its syncs."""

    def __init__(self, path, first=b""):
        self.path, self.first = path, first
        self.changes = []       # (number, record)
        self.syncs = []         # (begin, end)


class History:
    """The records of @log, put to their files; @image had content @first."""

    def __init__(self, log, image, first, stage, ignore=None):
        self.records = read_log(log)
        self.image = File(image, first)
        self.files = [self.image]
        self.stage = stage
        self.names = []         # (number, record)
        self.folder_syncs = []  # (begin, end)
        self.by_ino = {os.stat(image).st_ino: 0}
        self.image_path = image
        self.begun = {}
        live = set()
        for n, r in enumerate(self.records):
            self._take(n, r, live)
        if ignore in ("1", "/"):
            self.folder_syncs = []
        for f in self.files:
            if ignore == "1" or (ignore and f.path.endswith(ignore)):
                f.syncs = []

    def _take(self, n, r, live):
        key = (r.ino, r.a)
        if r.op == "mark":
            return
        if r.op == "sync":
            self.begun[key] = n
            return
        if r.op in NAME_OPS and r.path != self.image_path:
            self._name(n, r, live)
        if r.ino in self.by_ino:
            r.file = self.by_ino[r.ino]
        if r.op == "synced":
            span = (self.begun.pop(key), n)
            if r.file is None:
                self.folder_syncs.append(span)
            else:
                self.files[r.file].syncs.append(span)
        elif r.op in DATA_OPS and r.file is not None:
            self.files[r.file].changes.append((n, r))

    def _name(self, n, r, live):
        self.names.append((n, r))
        if r.op in ("open", "opentr") and not (
                r.path in live and r.ino in self.by_ino):
            self.by_ino[r.ino] = len(self.files)
            self.files.append(File(r.path))
            if not r.a:
                live.add(r.path)
        elif r.op == "unlink":
            live.discard(r.path)
        elif r.op in ("rename", "link"):
            to = r.data.decode()
            for old in [p for p in live
                        if p == r.path or p.startswith(r.path + "/")]:
                if r.op == "rename":
                    live.discard(old)
                live.add(to + old[len(r.path):])

    def where(self, cut):
        """The last records before the cut, in words."""
        return ", ".join(f"{r.op} {os.path.basename(r.path)}"
                         for r in self.records[max(0, cut - 3):cut])

    # --- one state -----------------------------------------------------------

    def content(self, f, cut, variant, rng):
        """Bytes of the file @f after a power cut."""
        durable = max((b for b, e in f.syncs if e < cut), default=-1)
        done = [r for n, r in f.changes if n < cut]
        kept = [r for n, r in f.changes if n < cut and n < durable]
        pending = done[len(kept):]
        size, buf = len(f.first), bytearray(f.first)
        for r in kept:
            size = apply(buf, size, r, None)
        del buf[size:]
        return choose(buf, pending, variant, rng)

    def names_at(self, cut, variant, rng):
        """{path: file number or "mkdir"} and the modes of them."""
        floor = max((b for b, e in self.folder_syncs if e < cut), default=-1)
        done = [(n, r) for n, r in self.names if n < cut]
        least = sum(1 for n, r in done if n < floor)
        count = {"none": least, "all": len(done), "last": len(done)}.get(
            variant)
        if count is None:
            count = rng.randint(least, len(done))
        return replay_names([r for n, r in done[:count]])

    def state(self, cut, variant, rng):
        """The image's bytes, and {path: (mode, bytes, or None: a folder)}."""
        names = self.names_at(cut, variant, rng)
        tree = {}
        for path, (what, mode) in names.items():
            if path.endswith("-shm") or not path.startswith(self.stage):
                continue
            tree[path] = (mode, None if what is None else
                          self.content(self.files[what], cut, variant, rng))
        return self.content(self.image, cut, variant, rng), tree


def replay_names(records):
    names = {}
    for r in records:
        if r.op in ("open", "opentr"):
            if not r.a:
                names[r.path] = (r.file, r.mode)
        elif r.op == "mkdir":
            names[r.path] = (None, r.mode)
        elif r.op == "unlink":
            names.pop(r.path, None)
        else:
            to = r.data.decode()
            for old in [p for p in names
                        if p == r.path or p.startswith(r.path + "/")]:
                what = names[old]
                if r.op == "rename":
                    del names[old]
                names[to + old[len(r.path):]] = what
    return names


def effect(r, size):
    """(from, to, bytes or None for zeros, new size) of a change."""
    if r.op == "write":
        end = r.a + len(r.data)
        return r.a, end, r.data, max(size, end)
    if r.op in ("trunc", "opentr"):
        to = r.a if r.op == "trunc" else 0
        return min(to, size), max(to, size), None, to
    end = r.a + r.b
    if r.mode & (PUNCH | ZERO):
        stop = min(end, size) if r.mode & KEEP_SIZE else end
        return r.a, max(stop, r.a), None, \
            size if r.mode & KEEP_SIZE else max(size, end)
    return 0, 0, None, size if r.mode & KEEP_SIZE else max(size, end)


def put(buf, start, end, data, base):
    if len(buf) < end:
        buf.extend(bytes(end - len(buf)))
    buf[start:end] = bytes(end - start) if data is None else \
        data[start - base:end - base]


def apply(buf, size, r, wanted):
    """Do @r to @buf, in the parts for which @wanted(unit start) holds."""
    start, end, data, new = effect(r, size)
    if wanted is None:
        put(buf, start, end, data, start)
        if len(buf) < new:
            buf.extend(bytes(new - len(buf)))
    else:
        unit, take = wanted
        at = start
        while at < end:
            stop = min((at // unit + 1) * unit, end)
            if take(at // unit):
                put(buf, at, stop, data, start)
            at = stop
    return new


def choose(buf, pending, variant, rng):
    """@buf, which is durable, with what @variant keeps of @pending."""
    if not pending or variant == "none":
        return bytes(buf)
    sizes = [len(buf)]
    for r in pending:
        sizes.append(effect(r, sizes[-1])[3])
    n = len(pending)
    versions = {}
    unit = SECTOR if variant == "sectors" else PAGE
    new = rng.random()

    def version(u):
        if u not in versions:
            if variant == "all" or rng.random() < new * new:
                versions[u] = n
            else:
                versions[u] = rng.choice((0, rng.randint(0, n)))
        return versions[u]

    for j, r in enumerate(pending):
        if variant == "last":
            wanted = (unit, lambda u, j=j: j == n - 1)
        else:
            wanted = (unit, lambda u, j=j: version(u) > j)
        apply(buf, sizes[j], r, wanted)
    size = sizes[n]
    if variant in ("pages", "sectors"):
        size = sizes[rng.choice((n, n, 0, rng.randint(0, n)))]
    del buf[size:]
    buf.extend(bytes(size - len(buf)))
    return bytes(buf)
