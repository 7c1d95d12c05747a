#!/usr/bin/env bash
# promtool 2.42 (Debian): a backfill drops samples between -2 h and the epoch, and the second of two in one millisecond, exit code 0.
#
# Guessed:  `tsdb create-blocks-from openmetrics` keeps each sample of a valid file, or says which one it cannot take and fails.
# Seen:     a series at -1 s is gone, while the same series at -2 h (or with any sample before that) is kept: the first block is
#           found by a division that rounds towards zero. Of samples at 15.0005 s and 15.0009 s, two times in OpenMetrics, the
#           second is gone: both are 15000 ms. Nothing is printed about either, and the table of blocks counts what was left.
#           (promtool of Prometheus 3.16, built from its Go module, does the same.)
# Matters:  a backfill whose exit code is all that is looked at loses data of fast sensors, and of series that count from an event.
set -euo pipefail
command -v promtool >/dev/null || { echo 'needs promtool: apt-get install -y prometheus' >&2; exit 2; }
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
promtool --version 2>&1 | head -1

# Prints what blocks made of the samples on stdin have.
backfilled() {
  { echo '# TYPE m gauge'; cat; echo '# EOF'; } > m.om
  rm -rf blocks
  promtool tsdb create-blocks-from openmetrics m.om blocks > table 2> errors
  [ ! -s errors ]
  mkdir -p blocks/wal # without it no dump works: see promtool-dump-blocks.sh
  promtool tsdb dump --min-time=-99999999999 blocks
}

near=$(printf 'm{a="1"} 1 -1.000\nm{a="1"} 2 0.000\n' | backfilled)
echo "at -1 s and 0 s: $near"
[ "$near" = '{__name__="m", a="1"} 2 0' ]

far=$(printf 'm{a="1"} 0 -7200.000\nm{a="1"} 1 -1.000\nm{a="1"} 2 0.000\n' | backfilled)
echo "with one at -2 h: $far"
[ "$(echo "$far" | wc -l)" = 3 ]

fast=$(printf 'm{a="1"} 5 15.0005\nm{a="1"} 6 15.0009\n' | backfilled)
echo "at 15.0005 s and 15.0009 s: $fast"
[ "$fast" = '{__name__="m", a="1"} 5 15000' ]
