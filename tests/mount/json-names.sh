#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# JSON is JSON, whatever bytes names have, and nothing of a name is lost.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires python3

cat >names.py <<'END'
import base64, json, sys
text = sys.stdin.buffer.read().decode("utf-8")
for d in json.loads(text)["deltas"]:
    name = d["path"].encode()
    if "path_base64" in d:
        name = base64.b64decode(d["path_base64"], validate=True)
        assert "\ufffd" in d["path"], d
    sys.stdout.buffer.write(name + b"\0")
END

names=($'bad\xff\xfe' $'a\xc3' $'\xc0\xafover' $'\xed\xa0\x80' $'\xf4\x90\x80\x80'
	$'\xe2\x82' plain $'\xc3\xbc' $'\xf0\x9f\x93\x80' $'\xff' $'x\xffyz')
new_image
mnt
for name in "${names[@]}"; do
	touch "$MNT/$name"
done
"$DISCFS" diff --json "$MNT" >json || true
python3 names.py <json | sort -z >got
printf '%s\0' "${names[@]}" | sort -z >want
same got want "the names in JSON"
ok "diff --json"
keep
id=$("$DISCFS" stage list --stage "$STAGE" --json |
	python3 -c 'import json, sys; print(json.load(sys.stdin)["stages"][0]["id"])')
"$DISCFS" stage show --stage "$STAGE" --json "$id" | python3 names.py |
	sort -z >got
same got want "the names in JSON"
ok "stage show --json"
