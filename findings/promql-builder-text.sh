#!/usr/bin/env bash
# @grafana/promql-builder 0.0.6 prints expressions that Prometheus cannot read.
#
# Guessed:  toString() of what its own functions built is PromQL, so a builder is the safe way to put values into a query.
# Seen:     neg(x) is -[object Object]; the string of s('up') has no quotes; n(Infinity) and n(NaN) are null; a subquery
#           without a resolution, which PromQL writes as [5m:], is [5m]. promtool refuses the first, the second as an argument,
#           and the last; null it takes for the metric of that name. A label's quotes are escaped as they must be.
# Matters:  `x > n(Infinity)` is a valid query, compares with a metric called null, and selects nothing.
set -euo pipefail
command -v promtool >/dev/null || { echo 'needs promtool: apt-get install -y prometheus' >&2; exit 2; }
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
promtool --version 2>&1 | head -1
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @grafana/promql-builder@0.0.6
cat > build.cjs <<'JS'
const { writeFileSync } = require('node:fs')
const { gt, n, neg, s, subquery, vector } = require('@grafana/promql-builder')
const x = () => vector('x')
const built = {
  neg: neg(x()),
  string: s('up'),
  infinity: gt(x(), n(Infinity)),
  nan: n(NaN),
  subquery: subquery(x()).range('5m'),
  label: x().label('l', 'a"b'),
}
for (const [name, expr] of Object.entries(built)) {
  console.log(name.padEnd(9), String(expr))
  writeFileSync(`${name}.txt`, String(expr))
}
JS
node build.cjs | tee seen
diff seen - <<'TXT'
neg       -[object Object]
string    up
infinity  (x) > (null)
nan       null
subquery  (x)[5m]
label     x{l="a\"b"}
TXT
# Is it PromQL? promtool parses the expression of a rule.
takes() {
  node -p 'JSON.stringify({ groups: [{ name: "g", rules: [{ record: "r", expr: process.argv[1] }] }] })' -- "$(printf "$1" "$(cat "$2.txt")")" > rules.yml
  promtool check rules rules.yml >/dev/null 2>&1
}
refused() { if takes "$@"; then echo "prometheus takes $2 now" >&2; exit 1; fi; }
refused '%s' neg
refused 'count_values(%s, x)' string
refused 'max_over_time(%s)' subquery
takes '%s' infinity
takes '%s' label
echo 'prometheus refuses neg, string and subquery, and takes (x) > (null)'
