/** The one stylesheet, and the icon. */

export const STYLE = `:root {
  color-scheme: light dark;
  --ground: light-dark(#fbfbfa, #16181b);
  --card: light-dark(#ffffff, #1e2125);
  --text: light-dark(#1d2126, #e6e8ea);
  --quiet: light-dark(#626b75, #98a1ab);
  --line: light-dark(#e2e4e7, #31363c);
  --accent: light-dark(#0b62c4, #6cb2ff);
  --good: light-dark(#18794e, #4cc38a);
  --warn: light-dark(#9a5b00, #f0b429);
  --bad: light-dark(#c2291f, #ff7b72);
}
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, sans-serif }
header, main { max-width: 110rem; margin: 0 auto; padding: 1rem clamp(.75rem, 2vw, 2rem) }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline }
header strong { font-size: 1.25rem }
header nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin-left: auto }
nav a[aria-current] { color: inherit; text-decoration: none; border-bottom: 2px solid var(--accent) }
.skip { position: absolute; left: -99rem }
.skip:focus { left: 1rem; top: .5rem; background: var(--card); padding: .5rem }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
main[data-live="away"] { opacity: .6 }
h1 { font-size: 1.25rem; margin: 0 0 1rem; overflow-wrap: anywhere }
h2 { font-size: 1rem; margin: 0 0 .75rem }
section { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin: 0 0 1rem }
.scroll { overflow-x: auto }
a { color: var(--accent) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.25rem; margin: 0 }
@media (min-width: 64rem) { .about dl { grid-template-columns: max-content 1fr max-content 1fr } }
dt { color: var(--quiet) }
dd { margin: 0; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
[aria-label*="mov"] table, [aria-label="Owners"] table, [aria-label="Stages"] table, [aria-label="Slots"] table { width: auto; min-width: min(100%, 40rem) }
th { text-align: left; color: var(--quiet); font-weight: 500 }
th, td { padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
td.whole { white-space: nowrap }
td.stage { white-space: nowrap }
td.long { overflow-wrap: anywhere; min-width: 12rem }
td.wide { width: 45%; min-width: 8rem; vertical-align: middle }
td.share { min-width: 7rem }
tr:last-child td { border-bottom: 0 }
td.n, th.n { text-align: right; white-space: nowrap }
td small { display: block; color: var(--quiet) }
code, .mono { font-family: ui-monospace, monospace; font-size: .9em }
.quiet { color: var(--quiet) }
.verdict { font-size: 1.1rem; border-left: .3rem solid; padding-left: .75rem; overflow-wrap: anywhere }
.verdict.skipped { color: var(--text) }
.alarm { border: 2px solid var(--bad); border-radius: .5rem; padding: .6rem 1rem; background: var(--card); overflow-wrap: anywhere }
.why { display: inline-block; margin-right: .75rem }
progress { width: 100%; accent-color: var(--accent) }
.bar { display: block; width: 100%; height: 1rem; background: var(--ground) }
.tiles { display: flex; flex-wrap: wrap; gap: .75rem }
.tile { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .9rem; min-width: 6.5rem; color: inherit; text-decoration: none }
.tile b { display: block; font-size: 1.5rem; line-height: 1.2 }
.serving, .done, .ready, .active { color: var(--good) }
.pending-hand-off, .last-copy, .partial, .stopped, .waiting, .leaving, .notice { color: var(--warn) }
.failed, .down { color: var(--bad) }
.tile, .why { color: var(--text) }
.tile.zero, .tile.zero b { color: var(--quiet) }
.tile.serving b { color: var(--good) }
.tile.pending-hand-off b, .tile.last-copy b, .tile.partial b, .why.partial { color: var(--warn) }
.tile.failed b, .why.failed { color: var(--bad) }
rect { fill: var(--quiet) }
rect.went, rect.serving, rect.unchanged { fill: var(--good) }
rect.added, rect.loading { fill: var(--accent) }
rect.partial, rect.pending-hand-off, rect.last-copy { fill: var(--warn) }
rect.failed { fill: var(--bad) }
.runs { display: flex; flex-wrap: wrap; gap: .4rem; margin: 0 0 .5rem }
.runs svg { width: 1.6rem; height: 6.8rem; border-bottom: 2px solid var(--line) }
.runs svg.wrong { border-bottom-color: var(--bad); background: color-mix(in srgb, var(--bad) 18%, transparent) }
.tools { display: flex; flex-wrap: wrap; gap: .5rem; align-items: baseline; margin: 0 0 .5rem }
canvas { display: block; width: 100%; height: 120px; cursor: grab; touch-action: pan-y }
.about-block { min-height: 1.5em; margin: .5rem 0; overflow-wrap: anywhere }
[data-colour="good"] { color: var(--good) }
[data-colour="bad"] { color: var(--bad) }
[data-colour="warn"] { color: var(--warn) }
[data-colour="accent"] { color: var(--accent) }
[data-colour="quiet"] { color: var(--quiet) }
[data-colour="card"] { color: var(--card) }
[data-colour="line"] { color: var(--line) }
.key span::before { content: "■ "; color: var(--quiet) }
.key span { display: inline-block; color: inherit; margin-right: .5rem }
.key .unchanged::before, .key .serving::before { color: var(--good) }
.key .added::before, .key .loading::before { color: var(--accent) }
.key .waiting::before { color: var(--warn) }
.key .failed::before { color: var(--bad) }
form { display: flex; flex-wrap: wrap; gap: .75rem; margin: 0 0 1rem }
input, select, button { font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--line); border-radius: .35rem; padding: .25rem .6rem }
@media (max-width: 40rem) {
  .wide { display: none }
  td.stage, td.n, th.n { white-space: normal }
  th, td { padding-right: .6rem }
  td.long { min-width: 8rem }
}
@media print {
  header nav, form, .skip, .tools { display: none }
  section { break-inside: avoid; border: 0; padding: 0 }
  .scroll { overflow: visible }
}
`

export const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="#0b62c4" d="M1 2h4v12H1zM11 2h4v12h-4zM6 5h4v2H6zM6 9h4v2H6z"/></svg>'
