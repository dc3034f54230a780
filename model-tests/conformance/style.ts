/** The style of the report's page. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#fbfaf7, #16181d);
  --panel: light-dark(#ffffff, #1e2128);
  --sunk: light-dark(#f3f1ec, #12141a);
  --line: light-dark(#dedad1, #343944);
  --ink: light-dark(#1d2027, #e4e6eb);
  --soft: light-dark(#666b76, #9aa1ae);
  --accent: light-dark(#1f5fa8, #7fb2ee);
  --pass: light-dark(#2c7a4b, #6cc48d);
  --fail: light-dark(#b3261e, #f2837b);
  --inconclusive: light-dark(#8a6100, #e0b454);
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace;
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
header, main { max-width: 84rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 2rem; }
h1 { font-size: 1.35rem; margin: 0 0 .75rem; }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 0; }
h4 { font-size: .9rem; margin: 0; font-weight: 600; }
h5 { font-size: .75rem; margin: 0 0 .4rem; color: var(--soft); font-weight: 600; }
small { color: var(--soft); font-size: .85em; font-weight: 400; }
a { color: var(--accent); }
.about { display: flex; flex-wrap: wrap; gap: .25rem 2rem; margin: 0 0 1.25rem; font-size: .85rem; }
.about div { display: flex; gap: .5rem; }
.about dt { color: var(--soft); }
.about dd { margin: 0; font-family: var(--mono); overflow-wrap: anywhere; }
.counts { display: flex; gap: 2rem; flex-wrap: wrap; }
.count { text-decoration: none; color: var(--ink); }
.count b { font-size: 2rem; font-variant-numeric: tabular-nums; line-height: 1.2; }
.count.v-pass b { color: var(--pass); }
.count.v-fail b { color: var(--fail); }
.count.v-inconclusive b { color: var(--inconclusive); }
.count.none b { color: var(--soft); font-weight: 400; }
.bar { display: flex; gap: 2px; height: .5rem; margin: .5rem 0 1rem; border-radius: .25rem; overflow: hidden; }
.bar .v-pass { background: var(--pass); }
.bar .v-fail { background: var(--fail); }
.bar .v-inconclusive { background: var(--inconclusive); }
.stopped { border-left: 3px solid var(--inconclusive); padding-left: .75rem; }
.verdict { font-size: .75rem; font-weight: 600; border: 1px solid currentColor; border-radius: .25rem; padding: 0 .35rem; }
.verdict.v-pass { color: var(--pass); }
.verdict.v-fail { color: var(--fail); }
.verdict.v-inconclusive { color: var(--inconclusive); }
.clause { display: inline-block; font: .75rem/1.5 var(--mono); color: var(--soft); background: var(--sunk); border: 1px solid var(--line); border-radius: .25rem; padding: 0 .3rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th { text-align: left; font-weight: 600; color: var(--soft); font-size: .8rem; }
th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
td.name { white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; width: 4rem; }
.tour { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; margin: 1rem 0; padding: 1rem; }
.why { margin: .25rem 0 .75rem; overflow-wrap: anywhere; }
.ladder { font-size: .85rem; }
.step { border-top: 1px solid var(--line); padding: .4rem 0; }
.step h4 .number { color: var(--soft); font-variant-numeric: tabular-nums; }
.step.decisive { border-left: 3px solid var(--fail); margin-left: -1rem; padding-left: calc(1rem - 3px); }
.rung > summary, .rung.heads { display: grid; grid-template-columns: 3.5rem minmax(14rem, 30rem) 1fr; gap: .75rem; align-items: center; min-height: 1.6rem; }
.rung > summary { cursor: pointer; list-style: none; }
.rung > summary::-webkit-details-marker { display: none; }
.rung > summary:hover, .rung[open] > summary { background: var(--sunk); }
.at { text-align: right; color: var(--soft); font-variant-numeric: tabular-nums; font-size: .8rem; }
.lane { position: relative; height: 100%; min-height: 1.6rem; }
.heads .lane { display: flex; position: sticky; top: 0; font-weight: 600; align-items: end; }
.heads .lane span { flex: 1; text-align: center; min-width: 0; overflow: hidden; text-overflow: ellipsis; }
.life { position: absolute; top: 0; bottom: 0; border-left: 1px solid var(--line); }
.arrow { position: absolute; top: calc(50% - .5px); border-top: 1px solid var(--ink); }
.arrow::after { content: ""; position: absolute; top: -4.5px; border: 4px solid transparent; }
.arrow.right::after { right: 0; border-left: 7px solid var(--ink); border-right: 0; }
.arrow.left::after { left: 0; border-right: 7px solid var(--ink); border-left: 0; }
.says { font: .8rem/1.4 var(--mono); overflow-wrap: anywhere; }
pre { font: .78rem/1.45 var(--mono); background: var(--sunk); border: 1px solid var(--line); border-radius: .25rem; padding: .5rem .75rem; margin: .25rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.rung > pre { margin: .25rem 0 .5rem 4.25rem; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem 1rem; margin: .6rem 0; }
.side { min-width: 0; }
.side.alone { grid-column: 2; }
.side ul { margin: 0; padding: 0; list-style: none; }
.side li { padding: .15rem .5rem; border-left: 3px solid var(--line); margin-bottom: .2rem; overflow-wrap: anywhere; }
.nothing { color: var(--soft); margin: 0; }
figure { margin: 0 0 .5rem; }
figcaption { color: var(--soft); font-size: .75rem; }
.fold { border-top: 1px solid var(--line); padding: .35rem 0; }
.fold > summary { cursor: pointer; }
.fold.one { padding: .15rem 0 .15rem 1rem; border: 0; }
ol { margin: .25rem 0; padding-left: 2.5rem; font-size: .85rem; }
main { padding-bottom: 4rem; }
@media (max-width: 50rem) {
  .pair { grid-template-columns: 1fr; }
  .side.alone { grid-column: 1; }
  .rung > summary, .rung.heads { grid-template-columns: 2.5rem 1fr; }
  .says { grid-column: 1 / -1; }
}
`;
