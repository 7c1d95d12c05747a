/** What deploy/ has for Prometheus and Grafana, checked by promtool and against the table of metrics. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { METRICS, type MetricInfo } from '../../src/contracts/metric-table.ts'

const ROOT = join(import.meta.dirname, '../..')
const PROMETHEUS = join(ROOT, 'deploy/prometheus')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
}

const rulesOf = (file: string): readonly Rule[] =>
  parse(read(`deploy/prometheus/${file}`)).groups.flatMap(({ rules }: { rules: readonly Rule[] }) => rules)
const ALERTS = rulesOf('alerts.yaml')
const RULES = rulesOf('rules.yaml')

interface Panel {
  readonly targets?: readonly { readonly expr: string }[]
}

const { panels }: { readonly panels: readonly Panel[] } = JSON.parse(read('deploy/grafana/blockgate.json'))
const QUERIES = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
/** As Grafana sends them. */
const sent = (expr: string) => expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*')

function promtool(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: PROMETHEUS, encoding: 'utf8' })
  expect([status, status === 0 ? '' : `${stdout}${stderr}`]).toEqual([0, ''])
}

it('the alerts and rules are good, and each alert is set off by what it is for, and by nothing beside it', () => {
  promtool('check', 'rules', 'alerts.yaml', 'rules.yaml')
  promtool('test', 'rules', 'tests.yaml')
  const tested = parse(read('deploy/prometheus/tests.yaml')).tests.flatMap(
    ({ alert_rule_test: tests }: { alert_rule_test: readonly { alertname: string }[] }) =>
      tests.map(({ alertname }) => alertname),
  )
  expect(tested).toEqual(ALERTS.map(({ alert }) => alert))
  expect(tested.length).toBeGreaterThanOrEqual(12)
})

it('each alert has its runbook, and no other thing has one', () => {
  const headings = [...read('docs/runbooks.md').matchAll(/^## (\w+)$/gm)].map(([, name]) => name)
  expect(headings).toEqual(ALERTS.map(({ alert }) => alert))
})

it('every query of alerts, rules and dashboard reads metrics that exist, with labels that they have', () => {
  const known = new Map(
    Object.values<MetricInfo>(METRICS).flatMap(({ name, kind, labels }) =>
      (kind === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']).map(suffix => [`${name}${suffix}`, labels]),
    ),
  )
  for (const expr of [...[...ALERTS, ...RULES].map(rule => rule.expr), ...QUERIES.map(sent)]) {
    for (const [, name = '', matchers = ''] of expr.matchAll(/\b(blockgate_\w+)(?:\{([^}]*)\})?/g)) {
      const labels = known.get(name)
      expect(labels, name).toBeDefined()
      const used = [...matchers.matchAll(/(\w+)[=!]/g)].map(([, label]) => label)
      expect([...(labels ?? []), 'instance'], expr).toEqual(expect.arrayContaining(used))
    }
  }
})

it('the dashboard is as its script makes it, and Prometheus can read each query of it', () => {
  const args = [join(ROOT, 'scripts/make-dashboard.mjs'), '--check']
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
  const temp = mkdtempSync(join(tmpdir(), 'blockgate-rules-'))
  onTestFinished(() => rmSync(temp, { recursive: true, force: true }))
  const rules = QUERIES.map((expr, n) => ({ record: `query:${n}`, expr: sent(expr) }))
  writeFileSync(join(temp, 'rules.yaml'), JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
  promtool('check', 'rules', join(temp, 'rules.yaml'))
  expect(QUERIES.length).toBeGreaterThan(30)
})
