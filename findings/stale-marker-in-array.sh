# Node 24 (V8): a stale marker that was once an element of an array of numbers is an ordinary NaN afterwards.
#
# Guessed:  a number that is put into an array and taken out again has the same bits; or every NaN is made the same one.
# Seen:     Prometheus' stale marker is the NaN 7ff0000000000002. From one typed array to another, in a variable, and in an object
#           it stays; in [1.5, x] it becomes 7ff8000000000002, which Prometheus takes for a value. Through structuredClone(), as
#           on the way to a worker, nothing is left of it (7ff8000000000000). So protobufjs 8.8.1 gives back the bytes of a
#           message with one double each, and not those of packed doubles; avsc 5.7.9 gives back no array of doubles.
# Matters:  code that collects the values of a series in an array and writes them out again turns "the series ended" into a
#           sample: rate() and alerts look five minutes further. No comparison in JavaScript tells the two apart.
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node@24.19.0 protobufjs@8.8.1 avsc@5.7.9

cat > stale.mjs <<'JS'
import assert from 'node:assert/strict'
import avsc from 'avsc'
import protobuf from 'protobufjs'
console.log(`node ${process.versions.node}, v8 ${process.versions.v8}`)

const STALE = '7ff0000000000002'
const marker = new Float64Array(new BigUint64Array([BigInt(`0x${STALE}`)]).buffer)
const bits = value => {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  return view.getBigUint64(0).toString(16)
}
assert.equal(bits(marker[0]), STALE)
assert.equal(bits({ value: marker[0] }.value), STALE)
const list = [1.5, marker[0]]
assert.equal(bits(list[1]), '7ff8000000000002')
assert.equal(bits(structuredClone({ value: marker[0] }).value), '7ff8000000000000')
console.log('variable and object: 7ff0000000000002, array: 7ff8000000000002, structuredClone: 7ff8000000000000')

const { root } = protobuf.parse(`syntax = "proto3";
  message Sample { double value = 1; } message Series { repeated Sample samples = 1; } message Packed { repeated double values = 1; }`)
const doubles = [1.5, 2.5].map(v => Buffer.from(new Float64Array([v]).buffer))
doubles.push(Buffer.from(marker.buffer))
const same = (type, bytes) => bytes.equals(type.encode(type.decode(bytes)).finish())
assert.equal(same(root.lookupType('Series'), Buffer.concat(doubles.map(d => Buffer.from([0x0a, 9, 0x09, ...d])))), true)
assert.equal(same(root.lookupType('Packed'), Buffer.from([0x0a, 24, ...Buffer.concat(doubles)])), false)
console.log('protobufjs: messages of one double are given back, packed doubles are not')

const type = avsc.Type.forSchema({ type: 'array', items: 'double' })
const avro = Buffer.from([6, ...Buffer.concat(doubles), 0])
assert.equal(avro.equals(type.toBuffer(type.fromBuffer(avro))), false)
console.log('avsc: an array of doubles is not given back')
JS
node_modules/.bin/node stale.mjs
