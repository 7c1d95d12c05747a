# @opentelemetry/sdk-trace 3.1.1 and OpenTelemetry Go 1.47: a ratio sampler of 10 % keeps other traces in the one than in the other.
#
# Guessed:  the sampler decides by the trace id alone so that every process keeps the same traces: with 10 % on both sides, 10 % of
#           all traces are kept whole.
# Seen:     JavaScript folds the four words of the id with XOR, Go takes its last eight bytes. Of 10,000 ids each keeps about 1,000,
#           and they agree on about 100.
# Matters:  where a program asks its own sampler (OTEL_TRACES_SAMPLER=traceidratio, or a root that another program continues by a
#           link) nine of ten traces that one side kept have nothing from the other. Only the flag that travels with the
#           request (parentbased_…) keeps them whole.
set -euo pipefail
command -v go >/dev/null || { echo 'needs go 1.26 or newer' >&2; exit 2; }
work=$(mktemp -d) && trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT && cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node@24.19.0 @opentelemetry/api@1.10.0 @opentelemetry/sdk-trace@3.1.1

cat > ids.mjs <<'JS'
import { createHash } from 'node:crypto'
import { ROOT_CONTEXT } from '@opentelemetry/api'
import { SamplingDecision, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace'
const sampler = new TraceIdRatioBasedSampler(0.1)
for (let i = 0; i < 10_000; i++) {
  const id = createHash('md5').update(String(i)).digest('hex')
  const { decision } = sampler.shouldSample(ROOT_CONTEXT, id)
  console.log(id, decision === SamplingDecision.RECORD_AND_SAMPLED ? 1 : 0)
}
JS
node_modules/.bin/node ids.mjs >js.txt

cat > main.go <<'GO'
package main

import (
	"bufio"
	"fmt"
	"os"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func main() {
	sampler := sdk.TraceIDRatioBased(0.1)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		id, err := trace.TraceIDFromHex(lines.Text()[:32])
		if err != nil {
			panic(err)
		}
		kept := 0
		if sampler.ShouldSample(sdk.SamplingParameters{TraceID: id}).Decision == sdk.RecordAndSample {
			kept = 1
		}
		fmt.Println(id, kept)
	}
}
GO
cat > go.mod <<'MOD'
module finding

go 1.26

require (
	go.opentelemetry.io/otel/sdk v1.47.0
	go.opentelemetry.io/otel/trace v1.47.0
)
MOD
export GOFLAGS=-mod=mod
go mod tidy >/dev/null 2>&1
go run . <js.txt >go.txt

js=$(grep -c ' 1$' js.txt) go=$(grep -c ' 1$' go.txt) both=$(grep ' 1$' js.txt | grep -cFf - go.txt)
echo "of 10,000 ids JavaScript keeps $js, Go keeps $go, both keep $both"
[ "$js" -gt 900 ] && [ "$go" -gt 900 ] && [ "$both" -lt 200 ]
