#!/usr/bin/env python3
"""Check an audit bundle without trusting, installing or reaching the system that made it.

    python3 verify_bundle.py BUNDLE [VKEY]

Exit 0: everything in the bundle is what the log signed.
Exit 1: something was changed, removed or cut; the first fault is named.
Exit 2: the bundle belongs to another log than VKEY, or could not be checked.
Needs Python 3.8 or newer and the openssl program (3.0 or newer). Nothing else.
"""
import base64, hashlib, json, re, subprocess, sys, tempfile

FORMAT, ORDER = "tuesday-audit-bundle/1", ["checkpoint", "index", "commitment", "end"]
class Fault(Exception): pass
class Other(Exception): pass

def need(holds, what):
    if not holds: raise Fault(what)
def sha(data): return hashlib.sha256(data).digest()
def node(left, right): return sha(b"\1" + left + right)
def unbase64(text): return base64.b64decode(text, validate=True)
def unique(pairs):
    need(len(dict(pairs)) == len(pairs), "a member is given twice")
    return dict(pairs)
def parse(data): return json.loads(data.decode("utf-8"), object_pairs_hook=unique)

def climb(at, last, proof, start, also_old):
    """Walk from a node up to the root; also_old follows the older tree's root as well."""
    old = new = start
    for other in proof:
        need(last > 0, "a proof is too long")
        if at & 1 or at == last:
            old, new = node(other, old) if also_old else old, node(other, new)
            while at and not at & 1: at, last = at >> 1, last >> 1
        else:
            new = node(new, other)
        at, last = at >> 1, last >> 1
    need(last == 0, "a proof is too short")
    return old, new
def continued(old, new, proof):
    """The log at checkpoint new still begins with everything in checkpoint old."""
    (m, root_m), (n, root_n) = old, new
    need(m <= n, "an older checkpoint is larger than the newest")
    if m == 0 or m == n:
        return need(not proof and root_m == (root_n if m else sha(b"")), "two checkpoints contradict each other")
    if m & (m - 1) == 0: proof = [root_m] + proof
    at, last = m - 1, n - 1
    while at & 1: at, last = at >> 1, last >> 1
    need(climb(at, last, proof[1:], proof[0], True) == (root_m, root_n), "two checkpoints contradict each other")

def read_key(vkey):
    name, key_id, encoded = vkey.split("+", 2)
    raw = unbase64(encoded)
    fits = len(raw) == 33 and raw[0] == 1 and sha(name.encode() + b"\n" + raw)[:4].hex() == key_id
    need(fits, "not an Ed25519 key, or the key id does not fit the key")
    return name, bytes.fromhex(key_id), raw[1:]
def signed_text(note, key):
    """The text of a signed note (c2sp.org/signed-note), if key signed it."""
    (text, blank, block), verified = note.rpartition("\n\n"), 0
    need(blank and block.endswith("\n"), "not a signed note")
    for line in block[:-1].split("\n"):
        dash, who, signature = [f(part) for f, part in zip((str, str, unbase64), line.split(" ", 2))]
        need(dash == "\u2014" and len(signature) > 4, "not a signature line")
        if (who, signature[:4]) != key[:2]: continue  # somebody else's signature
        with tempfile.TemporaryDirectory() as folder:
            spki = bytes.fromhex("302a300506032b6570032100") + key[2]
            for file, data in (("key", spki), ("text", text.encode() + b"\n"), ("sig", signature[4:])):
                with open(f"{folder}/{file}", "wb") as out: out.write(data)
            run = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin", "-inkey",
                f"{folder}/key", "-in", f"{folder}/text", "-sigfile", f"{folder}/sig"], capture_output=True)
        need(run.returncode == 0, "a signature does not verify")
        verified += 1
    need(verified, "not signed by the log's key")
    return text
def checkpoint(note, key):
    origin, size, root = signed_text(note, key).split("\n")
    need(origin == key[0], "the checkpoint is another log's")
    need(re.fullmatch("0|[1-9][0-9]*", size) and len(unbase64(root)) == 32, "malformed checkpoint")
    return int(size), unbase64(root)

def verify(lines, trusted, seen):
    head = seen["header"] = parse(next(lines))
    need(head["format"] == FORMAT, "unknown format")
    if trusted and (head["vkey"] != trusted or head["origin"] != trusted.split("+")[0]):
        raise Other(f"the bundle comes from another log: {head['vkey']}")
    key = read_key(head["vkey"])
    need(head["origin"] == key[0], "the origin is not the key's name")
    newest, last, mentioned, opened, stage = None, -1, set(), set(), 0
    for data in lines:
        line = parse(data)
        kind = next(iter(line))  # the first member tells what the line is
        need(kind in ORDER[stage:], "unknown line, or lines out of order")
        stage = ORDER.index(kind)
        if kind == "checkpoint":
            found = checkpoint(line["checkpoint"], key)
            if newest: continued(found, newest, [unbase64(h) for h in line["consistency"]])
            newest, seen["checkpoints"] = newest or found, seen["checkpoints"] + 1
        elif kind == "index":
            need(newest and type(line["index"]) is int and line["index"] > last, "entries out of order")
            seen["now"], last, leaf = f", entry {line['index']}", line["index"], unbase64(line["leaf"])
            need(last < newest[0], "the index lies outside the log")
            root = climb(last, newest[0] - 1, [unbase64(h) for h in line["proof"]], sha(b"\0" + leaf), False)[1]
            need(root == newest[1] and type(parse(leaf)) is dict, "the entry is not what was signed")
            mentioned.update(m.decode() for m in re.findall(rb'(?<!\\)"(sha256:[0-9a-f]{64})"', leaf))
            seen.update(entries=seen["entries"] + 1, first=seen.get("first", last), last=last, now="")
        elif kind == "commitment":
            need(line["commitment"] in mentioned, f"no entry mentions the payload {line['commitment']}")
            opened.add(line["commitment"])
            if "erased" not in line:
                salt, content = unbase64(line["salt"]), unbase64(line["content"])
                digest = sha(b"tuesday/commit/1" + len(salt).to_bytes(4, "big") + salt + content).hex()
                need(len(salt) == 16 and "sha256:" + digest == line["commitment"], "a payload was changed")
            seen["erased" if "erased" in line else "payloads"] += 1
        else:
            end, counts = line["end"], (seen["entries"], seen["payloads"] + seen["erased"], seen["digest"].hexdigest())
            need(newest and seen["entries"] > 0, "no entries")
            need((end["entries"], end["payloads"], end["sha256"]) == counts, "lines were changed, added or removed")
            want = "{}\n{}\nentries {}\npayloads {}\nsha256 {}".format(FORMAT, key[0], *counts)
            need("seal" not in end or signed_text(end["seal"], key) == want, "the seal is another bundle's")
            need(next(lines, None) is None, "something follows the end line")
            return newest, "seal" in end, len(mentioned - opened)
    raise Fault("cut off: the end line is missing")
def numbered(file, seen):
    for data in file:
        seen["line"] += 1
        need(data.endswith(b"\n"), "cut off in the middle of a line")
        yield data
        seen["digest"].update(data)
def main(path, trusted=None):
    seen = dict(line=0, now="", checkpoints=0, entries=0, payloads=0, erased=0, digest=hashlib.sha256())
    try:
        with open(path, "rb") as file: (size, root), sealed, unopened = verify(numbered(file, seen), trusted, seen)
    except (Other, OSError) as problem:
        return print(f"NOT CHECKED: {problem}") or 2
    except Exception as fault:  # whatever a damaged line provokes, the bundle is bad
        return print(f"BAD: line {seen['line']}{seen['now']}: {fault or 'cut off'}") or 1
    head, whole = seen["header"], ", the whole log" if seen["entries"] == size else ""
    rows = {"log": head["origin"], "verifier key": head["vkey"],
        "key trusted": "yes, you gave it" if trusted else "NO, IT IS THE BUNDLE'S OWN: compare it with the charter",
        "made at (not proven)": head["created_at"], "asked for (not proven)": json.dumps(head["query"]),
        "signed log": f"{size} entries, root {root.hex()}", "checkpoints": seen["checkpoints"],
        "entries checked": f"{seen['entries']}, from {seen['first']} to {seen['last']}{whole}",
        "payloads": f"{seen['payloads']} checked, {seen['erased']} erased, {unopened} not included",
        "sealed": "yes: nothing was removed since the export" if sealed else "NO: lines may have been left out"}
    print(*(f"{name:24}{value}" for name, value in rows.items()), "GOOD", sep="\n")
    return 0
if __name__ == "__main__":
    if len(sys.argv) not in (2, 3): sys.exit(print(__doc__) or 2)
    sys.exit(main(*sys.argv[1:]))
