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
header, main { max-width: 72rem; margin: 0 auto; padding: 1rem 1.25rem }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; align-items: baseline }
header strong { font-size: 1.25rem }
header nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin-left: auto }
h1 { font-size: 1.25rem; margin: 0 0 1rem; overflow-wrap: anywhere }
h2 { font-size: 1rem; margin: 0 0 .75rem }
section { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin: 0 0 1rem; overflow-x: auto }
a { color: var(--accent) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.25rem; margin: 0 }
dt { color: var(--quiet) }
dd { margin: 0; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th { text-align: left; color: var(--quiet); font-weight: 500 }
th, td { padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
td.whole { white-space: nowrap }
td.long { overflow-wrap: anywhere; min-width: 12rem }
tr:last-child td { border-bottom: 0 }
td.n, th.n { text-align: right }
code, .mono { font-family: ui-monospace, monospace; font-size: .9em }
.quiet { color: var(--quiet) }
.tiles { display: flex; flex-wrap: wrap; gap: .75rem }
.tile { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .9rem; min-width: 6.5rem; color: inherit; text-decoration: none }
.tile b { display: block; font-size: 1.5rem; line-height: 1.2 }
.serving b, .done, .ready, .active { color: var(--good) }
.pending-hand-off b, .last-copy b, .partial b, .stopped, .waiting, .leaving, .notice { color: var(--warn) }
.failed b, .failed, .down { color: var(--bad) }
.tile.zero, .tile.zero b { color: var(--quiet) }
ol.pipeline { display: flex; flex-wrap: wrap; gap: .5rem; list-style: none; margin: 0; padding: 0 }
ol.pipeline li { border: 1px solid var(--line); border-radius: .4rem; padding: .3rem .7rem }
ol.pipeline li.set { border-style: dashed; border-width: 2px }
ol.pipeline small { display: block; color: var(--quiet) }
form { display: flex; flex-wrap: wrap; gap: .75rem; margin: 0 0 1rem }
input, select, button { font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--line); border-radius: .35rem; padding: .25rem .6rem }
`

export const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="#0b62c4" d="M1 2h4v12H1zM11 2h4v12h-4zM6 5h4v2H6zM6 9h4v2H6z"/></svg>'
