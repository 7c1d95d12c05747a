#!/usr/bin/env bash
# promtool 2.42 (Debian): `tsdb dump` cannot read what `tsdb create-blocks-from` wrote, and leaves a folder there all the same.
#
# Guessed:  a folder of blocks that promtool made is one that promtool dumps, as `tsdb list` and `tsdb analyze` read it; a dump
#           reads and does not write.
# Seen:     "read WAL: find last checkpoint: open …/wal: no such file or directory", exit code 1, and a new empty folder
#           chunks_head among the blocks. With an empty folder wal beside them the dump works. (promtool of Prometheus 3.16,
#           built from its Go module, fails with the same words, and leaves no folder behind.)
# Matters:  blocks alone are just what a bucket or a back-up holds: a check with promtool needs `mkdir wal` first, and one that
#           was pointed at a mounted bucket leaves a foreign folder in it.
set -euo pipefail
command -v promtool >/dev/null || { echo 'needs promtool: apt-get install -y prometheus' >&2; exit 2; }
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
promtool --version 2>&1 | head -1
printf '# TYPE m gauge\nm{a="1"} 1 1700006400\n# EOF\n' > m.om
promtool tsdb create-blocks-from openmetrics m.om blocks >/dev/null
promtool tsdb list blocks >/dev/null
promtool tsdb analyze blocks >/dev/null
[ "$(ls blocks | wc -l)" = 1 ]

if promtool tsdb dump blocks > out 2>&1; then echo 'the dump works now' >&2; exit 1; fi
cat out
grep -q 'read WAL: find last checkpoint: open .*/wal: no such file or directory' out
[ -d blocks/chunks_head ] && echo 'left behind: chunks_head'
mkdir blocks/wal
[ "$(promtool tsdb dump blocks)" = '{__name__="m", a="1"} 1 1700006400000' ]
echo 'with an empty wal it works'
