// How fast Prometheus' own code decodes the chunks of a block: every sample of every chunk, on one core.
//
//	go run . <folder of chunk segments>
//
// Prints one line of JSON for each kind of chunk.
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// A measurement lasts this long at least, and of five the best counts.
const least = 300 * time.Millisecond

type result struct {
	Kind    string  `json:"kind"`
	Chunks  int     `json:"chunks"`
	Samples int     `json:"samples"`
	Bytes   int     `json:"bytes"`
	Rate    float64 `json:"rate"`
}

func main() {
	files, err := filepath.Glob(filepath.Join(os.Args[1], "*"))
	check(err)
	kinds := map[chunkenc.Encoding][]chunkenc.Chunk{}
	for _, file := range files {
		bytes, err := os.ReadFile(file)
		check(err)
		for at := 8; at < len(bytes); {
			length, n := binary.Uvarint(bytes[at:])
			start := at + n + 1
			end := start + int(length)
			encoding := chunkenc.Encoding(bytes[start-1])
			chunk, err := chunkenc.FromData(encoding, bytes[start:end:end])
			check(err)
			kinds[encoding] = append(kinds[encoding], chunk)
			at = end + 4
		}
	}
	for encoding, chunks := range kinds {
		r := result{Kind: encoding.String(), Chunks: len(chunks)}
		for _, chunk := range chunks {
			r.Bytes += len(chunk.Bytes())
		}
		for round := 0; round < 5; round++ {
			samples := 0
			before := cpu()
			for cpu()-before < least {
				for _, chunk := range chunks {
					samples += decode(chunk)
				}
			}
			r.Rate = math.Max(r.Rate, float64(samples)/(cpu()-before).Seconds())
		}
		for _, chunk := range chunks {
			r.Samples += chunk.NumSamples()
		}
		line, err := json.Marshal(r)
		check(err)
		fmt.Println(string(line))
	}
}

var (
	sum      float64
	iterator chunkenc.Iterator
	ints     *histogram.Histogram
	floats   *histogram.FloatHistogram
)

// As a querier does it: one iterator, and one histogram, for all chunks.
func decode(chunk chunkenc.Chunk) int {
	iterator = chunk.Iterator(iterator)
	samples := 0
	for kind := iterator.Next(); kind != chunkenc.ValNone; kind = iterator.Next() {
		switch kind {
		case chunkenc.ValFloat:
			_, value := iterator.At()
			sum += value
		case chunkenc.ValHistogram:
			_, ints = iterator.AtHistogram(ints)
		case chunkenc.ValFloatHistogram:
			_, floats = iterator.AtFloatHistogram(floats)
		}
		samples++
	}
	check(iterator.Err())
	return samples
}

// Of this thread and all others, for the collector runs beside it.
func cpu() time.Duration {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
