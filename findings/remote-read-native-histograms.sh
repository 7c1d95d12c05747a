#!/usr/bin/env bash
# Prometheus 2.42 (Debian): remote read as SAMPLES names a native histogram and sends none of its values.
#
# Guessed:  a server that stores native histograms, and has a field for them in its remote-read messages, sends them in it; or it
#           fails, or leaves the series out.
# Seen:     200, and a series with its labels, 0 samples and 0 histograms, beside a float series that is complete. The query API of
#           the same server has all three histograms. (The server of Prometheus 3.16, on the same block, sends three.)
# Matters:  SAMPLES is what a client gets that names no response type, or SAMPLES first: to it a histogram looks like a series
#           that was never scraped. Only STREAMED_XOR_CHUNKS has the data.
set -euo pipefail
command -v prometheus >/dev/null || { echo 'needs prometheus: apt-get install -y prometheus' >&2; exit 2; }
command -v go >/dev/null || { echo 'needs go 1.26 or newer' >&2; exit 2; }
work=$(mktemp -d) && cd "$work"
server=
trap '[ -z "$server" ] || { kill "$server"; wait "$server" || true; }; chmod -R u+w "$work"; rm -rf "$work"' EXIT
prometheus --version 2>&1 | head -1
printf 'module finding\n\ngo 1.26\n' > go.mod
cat > main.go <<'GO'
// Writes a block with a float series and a native histogram, or asks a server for both by remote read.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/tsdb"
)

const start = int64(1700000000000)

func main() {
	if os.Args[1] == "write" {
		write(os.Args[2])
	} else {
		read(os.Args[2])
	}
}

func write(folder string) {
	db, err := tsdb.Open(folder+"-db", nil, nil, tsdb.DefaultOptions(), nil)
	check(err)
	app := db.Appender(context.Background())
	for i := int64(1); i <= 3; i++ {
		_, err := app.Append(0, labels.FromStrings("__name__", "float"), start+i*15000, float64(i))
		check(err)
		h := &histogram.Histogram{Count: uint64(i), Sum: float64(i), Schema: 0, PositiveSpans: []histogram.Span{{Offset: 0, Length: 1}}, PositiveBuckets: []int64{i}}
		_, err = app.AppendHistogram(0, labels.FromStrings("__name__", "native"), start+i*15000, h, nil)
		check(err)
	}
	check(app.Commit())
	check(db.Snapshot(folder, true))
	check(db.Close())
}

func read(url string) {
	matcher := &prompb.LabelMatcher{Type: prompb.LabelMatcher_RE, Name: "__name__", Value: "float|native"}
	request := &prompb.ReadRequest{
		Queries:               []*prompb.Query{{StartTimestampMs: start, EndTimestampMs: start + 3600000, Matchers: []*prompb.LabelMatcher{matcher}}},
		AcceptedResponseTypes: []prompb.ReadRequest_ResponseType{prompb.ReadRequest_SAMPLES},
	}
	data, err := request.Marshal()
	check(err)
	answer, err := http.Post(url, "application/x-protobuf", bytes.NewReader(snappy.Encode(nil, data)))
	check(err)
	body, err := io.ReadAll(answer.Body)
	check(err)
	fmt.Println(answer.StatusCode, answer.Header.Get("Content-Type"))
	if answer.StatusCode != 200 {
		fmt.Println(string(body))
		return
	}
	body, err = snappy.Decode(nil, body)
	check(err)
	var response prompb.ReadResponse
	check(response.Unmarshal(body))
	for _, series := range response.Results[0].Timeseries {
		fmt.Println(series.Labels[0].Value, len(series.Samples), "samples", len(series.Histograms), "histograms")
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
GO
export GOFLAGS=-mod=mod
go get github.com/prometheus/prometheus/tsdb@v0.316.0 2>/dev/null
go build -o finding .
./finding write blocks
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
echo 'global: {}' > prometheus.yml
prometheus --config.file=prometheus.yml --storage.tsdb.path=blocks --storage.tsdb.retention.time=100y \
  --web.listen-address="127.0.0.1:$port" > log 2>&1 &
server=$!
for _ in $(seq 300); do curl -sf "127.0.0.1:$port/-/ready" >/dev/null && break; sleep 0.1; done

answer=$(./finding read "http://127.0.0.1:$port/api/v1/read")
echo "$answer"
[ "$answer" = '200 application/x-protobuf
float 3 samples 0 histograms
native 0 samples 0 histograms' ]
query="http://127.0.0.1:$port/api/v1/query_range?query=native&start=1700000015&end=1700000045&step=15"
echo "histograms in the query API: $(curl -s "$query" | grep -o '"buckets"' | wc -l)"
[ "$(curl -s "$query" | grep -o '"buckets"' | wc -l)" = 3 ]
