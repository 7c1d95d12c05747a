#!/usr/bin/env bash
# A block that Prometheus 3.16 wrote with XOR2 chunks dumps as empty, exit code 0, with the promtool of Prometheus 2.42.
#
# Guessed:  an older reader refuses a chunk encoding it does not know, with an error that names the block.
# Seen:     `tsdb dump` prints nothing and exits with 0, though `tsdb list` and `tsdb analyze` of the same promtool count 100
#           samples and one series in the block. The same data written as XOR dumps as 100 lines. (The server of 2.42 does
#           answer a query over such a block with "invalid chunk encoding".) The meta.json of both blocks is alike: nothing in
#           it names the encoding.
# Matters:  xor2 is one line of configuration in a 3.x Prometheus (storage.tsdb.chunk_encoding.floats). Whoever checks a
#           back-up or compares blocks by dumps of the distribution's promtool finds equal, empty answers.
set -euo pipefail
command -v promtool >/dev/null || { echo 'needs promtool: apt-get install -y prometheus' >&2; exit 2; }
command -v go >/dev/null || { echo 'needs go 1.26 or newer' >&2; exit 2; }
work=$(mktemp -d) && trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT && cd "$work"
promtool --version 2>&1 | head -1
printf 'module finding\n\ngo 1.26\n' > go.mod
cat > main.go <<'GO'
package main

import (
	"context"
	"os"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

func main() {
	name, options := os.Args[1], tsdb.DefaultOptions()
	if name == "xor2" {
		options.FloatChunkEncoding = chunkenc.EncXOR2
	}
	db, err := tsdb.Open(name+"-db", nil, nil, options, nil)
	check(err)
	app := db.Appender(context.Background())
	for i := int64(0); i < 100; i++ {
		_, err := app.Append(0, labels.FromStrings("__name__", "m"), 1700000000000+i*15000, float64(i))
		check(err)
	}
	check(app.Commit())
	check(db.Snapshot(name, true))
	check(db.Close())
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
GO
export GOFLAGS=-mod=mod
go get github.com/prometheus/prometheus/tsdb@v0.316.0 2>/dev/null
go build -o write .
for encoding in xor xor2; do
  ./write "$encoding"
  mkdir "$encoding/wal" # without it no dump works: see promtool-dump-blocks.sh
  promtool tsdb list "$encoding" | tail -1 | awk '$5 != 100 { exit 1 }'
  promtool tsdb dump "$encoding" > "$encoding.txt" 2> "$encoding.err"
  echo "$encoding: exit code 0, $(wc -l < "$encoding.txt") lines, $(wc -c < "$encoding.err") bytes of errors"
done
[ "$(wc -l < xor.txt)" = 100 ] && [ ! -s xor2.txt ] && [ ! -s xor2.err ]
