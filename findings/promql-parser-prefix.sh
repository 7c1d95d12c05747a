#!/usr/bin/env bash
# @qxip/promql-parser-js 0.1.1 parses as much of an expression as it knows and says nothing of the rest.
#
# Guessed:  an expression that is newer than the parser is refused with an error, as Prometheus refuses it, and what is parsed
#           has the precedence of PromQL.
# Seen:     a number stops at the first character the parser does not know: 1h is 1, 0x1f is 0. The rest of `a atan2 b` and
#           `foo @ 1.5` is dropped: the result is that of `a` and `foo`. info(x) becomes the number infinity. -2^2 is
#           (-2)^2, which is 4; in PromQL, and in promtool beside it, it is -4.
# Matters:  a proxy or a linter on top of it checks another query than the one that runs: matchers behind the point where it
#           stopped are not there for it.
set -euo pipefail
command -v promtool >/dev/null || { echo 'needs promtool: apt-get install -y prometheus' >&2; exit 2; }
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
promtool --version 2>&1 | head -1
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @qxip/promql-parser-js@0.1.1

cat > parse.cjs <<'JS'
const assert = require('node:assert/strict')
const { promql_parse } = require('@qxip/promql-parser-js')
const parse = query => promql_parse(query).replace(/\s+/g, ' ')
const number = (query, value) => assert.match(parse(query), new RegExp(`^NumberLiteralExpr\\(NumberLiteral { value: ${value} }`))
number('1h', '1\\.0')
number('0x1f', '0\\.0')
number('info(x)', 'inf')
assert.equal(parse('a atan2 b'), parse('a'))
assert.equal(parse('foo @ 1.5'), parse('foo'))
assert.match(parse('-2^2'), /op: Power\(false\), lhs: NumberLiteralExpr\(NumberLiteral { value: -2\.0 }/)
console.log('parser: 1h = 1, 0x1f = 0, a atan2 b = a, foo @ 1.5 = foo, info(x) = Inf, -2^2 = (-2)^2')
JS
node parse.cjs

echo 'groups: []' > rules.yml
cat > test.yml <<'YAML'
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series: [{ series: a, values: 1 }, { series: b, values: 1 }]
    promql_expr_test:
      - { expr: -2^2, eval_time: 0m, exp_samples: [{ value: -4 }] }
      - { expr: '0x1f', eval_time: 0m, exp_samples: [{ value: 31 }] }
      - { expr: 'round(4 * (a atan2 b))', eval_time: 0m, exp_samples: [{ labels: '{}', value: 3 }] }
YAML
promtool test rules test.yml >/dev/null
echo 'prometheus: -2^2 is -4, 0x1f is 31, a atan2 b is an operation of both'
