// <define:printedPictures>
var define_printedPictures_default = { "group-file-transfer": ["group-file-transfer.svg"], "large-message": ["large-message.svg"], "large-message-sender": ["large-message-sender.svg", "large-message-sender.open.svg", "large-message-sender.open.data.svg", "large-message-sender.open.dialog.svg", "large-message-sender.open.session.svg", "large-message-sender.open.dialog.condemned.svg", "large-message-sender.open.session.interval.svg"], "large-message-recipient": ["large-message-recipient.svg"], "group-session": ["group-session.svg"], "group-participant": ["group-participant.svg", "group-participant.open.svg", "group-participant.calling.svg", "group-participant.open.dialog.svg", "group-participant.open.session.svg", "group-participant.open.dialog.condemned.svg", "group-participant.open.session.interval.svg"], "conference-subscription": ["conference-subscription.svg"] };

// diagrams/site/client/element.ts
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== void 0 && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}
function append(to, children) {
  for (const child of children) {
    if (child === false || child === void 0) continue;
    if (child instanceof Node) to.append(child);
    else if (typeof child === "object") append(to, child);
    else to.append(String(child));
  }
}
function replace(inside, ...children) {
  inside.replaceChildren();
  append(inside, children);
}
function picture(svg) {
  const { documentElement } = new DOMParser().parseFromString(svg, "image/svg+xml");
  return document.importNode(documentElement, true);
}

// diagrams/live/client/dialogs.ts
function ask(content, attributes) {
  const dialog = h("dialog", attributes, content);
  document.body.append(dialog);
  const answer = new Promise((resolve) => dialog.addEventListener("close", () => {
    dialog.remove();
    resolve(dialog.returnValue);
  }));
  dialog.showModal();
  return { dialog, answer };
}
async function confirmed(question, consequence, act) {
  const { answer } = ask(
    [
      h("h2", { id: "question" }, question),
      h("p", { id: "consequence" }, consequence),
      h(
        "div",
        { class: "choice" },
        h("button", { type: "button", autofocus: true, onclick: (event) => closest(event).close("") }, "Cancel"),
        h("button", { type: "button", class: "grave", onclick: (event) => closest(event).close("yes") }, act)
      )
    ],
    { role: "alertdialog", "aria-labelledby": "question", "aria-describedby": "consequence" }
  );
  return await answer === "yes";
}
var closest = (event) => event.currentTarget.closest("dialog");
async function askForToken(again) {
  const field = h("input", { type: "password", id: "token", autocomplete: "off", spellcheck: "false", required: true, autofocus: true });
  const give = () => {
    if (field.value.trim() !== "") dialog.close("given");
  };
  const { dialog, answer } = ask(
    [
      h("h2", { id: "wanted" }, "This server wants the admin token"),
      h("p", { id: "where", role: again ? "alert" : void 0 }, again ? "That was not the token. " : "", "It is what --admin-token or CPM_ADMIN_TOKEN says. It is kept until this tab is closed."),
      h("label", { class: "field", for: "token" }, "Token", field),
      h("div", { class: "choice" }, h("button", { type: "button", onclick: give }, "Use this token"))
    ],
    { "aria-labelledby": "wanted", "aria-describedby": "where" }
  );
  field.addEventListener("keydown", (event) => void (event.key === "Enter" && give()));
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  await answer;
  return field.value.trim();
}

// diagrams/live/client/keyed.ts
function keyed(inside, items, key, make, draw) {
  const known = new Map([...inside.children].map((child) => [child.dataset["key"], child]));
  const wanted = items.map((item) => {
    const element = known.get(key(item)) ?? make(item);
    element.dataset["key"] = key(item);
    draw(element, item);
    return element;
  });
  if (wanted.length === inside.children.length && wanted.every((element, at) => inside.children[at] === element)) return;
  const focused = document.activeElement;
  inside.replaceChildren(...wanted);
  if (focused instanceof HTMLElement && inside.contains(focused)) focused.focus({ preventScroll: true });
}
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// diagrams/charts/lettering.ts
function textWidth(text, size2, bold = false) {
  const table = bold ? boldAdvances : plainAdvances;
  let units = 0;
  for (const character of text) units += table.get(character) ?? widest;
  return units * size2 / unitsPerEm;
}
var unitsPerEm = 2048;
var widest = 2 * unitsPerEm;
var plainAdvances = advances([
  [506, "'"],
  [512, "ijlìíîï"],
  [543, "IJÌÍÎÏ"],
  [585, " ,.·‘’"],
  [621, "/:;\\|¦"],
  [648, "f"],
  [665, "-"],
  [719, "()[]"],
  [722, "t"],
  [738, "!¡²³¹"],
  [757, "r"],
  [847, '"'],
  [868, "ªº"],
  [921, "*_`§¨¯°´¸–∥"],
  [960, "s"],
  [967, "z"],
  [978, "?¿"],
  [1013, "cç"],
  [1026, "L"],
  [1060, "F"],
  [1067, "k"],
  [1087, "•"],
  [1090, "vxyýÿ"],
  [1111, "P"],
  [1125, "TYÝ"],
  [1127, "oðòóôõöø"],
  [1129, "aàáâãäå"],
  [1134, "eèéêë"],
  [1161, "ß"],
  [1164, "EÈÉÊË"],
  [1168, "hnuñùúûü"],
  [1170, "Sbdgpqþ"],
  [1172, "$0123456789{}¢£¤¥µ¶"],
  [1208, "K"],
  [1260, "AVÀÁÂÃÄÅ"],
  [1262, "XZ"],
  [1264, "B"],
  [1280, "R"],
  [1287, "CÇ"],
  [1349, "UÙÚÛÜ"],
  [1378, "NÑ"],
  [1386, "H"],
  [1417, "◇▲▼▶◀"],
  [1419, "D"],
  [1428, "GÐ"],
  [1437, "&"],
  [1450, "OQÒÓÔÕÖØ"],
  [1507, "w"],
  [1544, "#+<=>^~¬±×÷←↑→↓↔↻−≤≥≠✓✗"],
  [1590, "M"],
  [1608, "●○"],
  [1741, "■□"],
  [1751, "%"],
  [1786, "¼½¾"],
  [1795, "mÆ"],
  [1822, "W"],
  [1843, "@©®—…"]
]);
var boldAdvances = advances([
  [564, "'"],
  [631, "ijlìíîï"],
  [641, " "],
  [673, "/\\|¦"],
  [685, "IJÌÍÎÏ"],
  [700, ",.·‘’"],
  [737, ":;"],
  [765, "-"],
  [801, "f"],
  [807, "²³¹"],
  [840, "!¡"],
  [842, "()[]"],
  [881, "t"],
  [909, "r"],
  [921, "_`§¨¯°´¸–∥"],
  [960, '"'],
  [963, "*"],
  [1039, "ªº"],
  [1069, "?¿"],
  [1072, "z"],
  [1092, "cç"],
  [1097, "s"],
  [1172, "¤¶"],
  [1174, "L"],
  [1178, "•"],
  [1188, "x"],
  [1201, "vyýÿ"],
  [1225, "k"],
  [1243, "aàáâãäå"],
  [1250, "eèéêë"],
  [1257, "T"],
  [1259, "EFÈÉÊË"],
  [1266, "oðòóôõöø"],
  [1282, "$0123456789¢£¥"],
  [1312, "hnu{}ñùúûü"],
  [1319, "bdgpqþ"],
  [1325, "ß"],
  [1327, "S"],
  [1334, "YÝ"],
  [1336, "Z"],
  [1350, "P"],
  [1352, "CÇ"],
  [1356, "µ"],
  [1404, "B"],
  [1417, "◇▲▼▶◀"],
  [1419, "R"],
  [1421, "X"],
  [1426, "AVÀÁÂÃÄÅ"],
  [1428, "K"],
  [1496, "UÙÚÛÜ"],
  [1512, "G"],
  [1530, "D"],
  [1542, "HNÑ"],
  [1544, "+<=>^~¬±×÷←↑→↓↔↻−≤≥≠✓✗"],
  [1566, "OQÒÓÔÕÖØ"],
  [1607, "&"],
  [1608, "●○"],
  [1702, "w"],
  [1741, "■□"],
  [1834, "M"],
  [1843, "@©®—…"],
  [1846, "%"],
  [1908, "¼½¾"],
  [1920, "m"],
  [1931, "æ"],
  [1999, "Æ"],
  [2033, "W"]
]);
function advances(rows) {
  return new Map(rows.flatMap(([units, characters]) => [...characters].map((character) => [character, units])));
}

// diagrams/charts/style.ts
var light = {
  paper: "#ffffff",
  ink: "#1f2328",
  quiet: "#57606a",
  line: "#d0d7de",
  cited: "#0550ae",
  decided: "#8a4b00",
  added: "#116329",
  removed: "#a40e26",
  changed: "#6f2da8",
  shades: ["#fafbfc", "#f1f5f9", "#e6eef7", "#dbe7f4"],
  active: "#fff1b8",
  lively: "#0a6b2d",
  picked: "#c2186b"
};
var dark = {
  paper: "#14181d",
  ink: "#e4e8ec",
  quiet: "#a3adb8",
  line: "#3a444f",
  cited: "#86b6f7",
  decided: "#e0a866",
  added: "#7ccf91",
  removed: "#ff9aa5",
  changed: "#d2a8ff",
  shades: ["#191f26", "#1e2630", "#232e3a", "#283644"],
  active: "#3d3400",
  lively: "#8fe3a5",
  picked: "#ff8ac2"
};
var fontName = "CPM Diagram";
var fontFamily = `'${fontName}','DejaVu Sans Condensed','DejaVu Sans',Verdana,sans-serif`;
var typography = `font-family:${fontFamily};font-size:11px;font-kerning:none;font-variant-ligatures:none;text-rendering:geometricPrecision`;
var boldClasses = ["title", "name", "strong", "rule", "mark"];
var slantedClasses = ["decided"];
function themed(scope3, rules2) {
  const below = (ground, colours3) => rules2(colours3).map(([selector, look]) => `${ground} ${selector}`.trim() + `{${look}}`).join("\n");
  return [
    below(scope3, light),
    `@media screen and (prefers-color-scheme:dark){
${below(`${scope3}:not([data-theme=light],[data-theme=light] *)`, dark)}
}`,
    `@media screen{
${below(`${scope3}:is([data-theme=dark],[data-theme=dark] *)`, dark)}
}`
  ].join("\n");
}
var scope = "svg.statechart";
var each = (names, selector) => names.map((name) => `${scope} ${selector(name)}`).join();
var statechartStyle = [
  `${scope}{${typography}}`,
  // Whatever the page says of its own classes.
  `${scope} *{font:inherit}`,
  `${each(boldClasses, (name) => `.${name}`)}{font-weight:700}`,
  `${scope} .title{font-size:18px}`,
  `${scope} .name{font-size:13px}`,
  `${each(slantedClasses, (name) => `.${name}`)}{font-style:italic}`,
  `${scope} .word.added{text-decoration:underline}`,
  `${scope} .word.removed{text-decoration:line-through}`,
  `${scope} .region>rect{stroke-dasharray:6 4}`,
  `${scope} .stub>rect{stroke-dasharray:2 3}`,
  `${scope} .delayed .way{stroke-dasharray:4 3}`,
  `${scope} .way{fill:none}`,
  `${scope} .ground{fill:none;pointer-events:all}`,
  `${scope} .rimmed text{paint-order:stroke;stroke-width:3px}`,
  `${scope} .dim{opacity:.25}`,
  `${each(["active", "taken", "picked", "added", "removed", "changed"], (name) => `.state.${name}>rect,${scope} .arrow.${name}>.way`)}{stroke-width:2.5px}`,
  `${scope} .state.removed>rect,${scope} .arrow.removed>.way{stroke-dasharray:1 3;stroke-linecap:round}`,
  `${scope} [data-rules]:focus-visible,${scope} [data-state]:focus-visible{outline-offset:2px}`,
  themed(scope, colours)
].join("\n");
function colours({ paper, ink, quiet, line: line2, cited, decided, added, removed, changed, shades, active, lively, picked }) {
  const marked = (name, colour) => [
    [`.state.${name}>rect`, `stroke:${colour}`],
    [`.arrow.${name}>.way`, `stroke:${colour}`],
    [`.arrow.${name}>.head`, `fill:${colour}`],
    [`tspan.${name}`, `fill:${colour}`]
  ];
  return [
    ["", `background:${paper};fill:${ink}`],
    [".sheet", `fill:${paper}`],
    [".quiet", `fill:${quiet}`],
    [".cited", `fill:${cited}`],
    [".decided", `fill:${decided}`],
    [".rule-line", `stroke:${line2}`],
    [".heading .rule-line", `stroke:${quiet}`],
    [".state>rect", `fill:${paper};stroke:${cited}`],
    [".state.beside>rect", `stroke:${decided}`],
    [".state.stub>rect", `stroke:${quiet}`],
    ...shades.map((shade, depth) => [`.state.depth${depth}>rect`, `fill:${shade}`]),
    ...shades.map((shade, depth) => [`.rimmed.depth${depth} text`, `stroke:${shade}`]),
    [".arrow>.way", `stroke:${cited}`],
    [".arrow>.head", `fill:${cited};stroke:none`],
    [".arrow.beside>.way", `stroke:${decided}`],
    [".arrow.beside>.head", `fill:${decided}`],
    [".arrow.begins>.way", `stroke:${ink}`],
    [".arrow.begins>.head", `fill:${ink}`],
    [".state>.final", `fill:none`],
    ...marked("added", added),
    ...marked("removed", removed),
    ...marked("changed", changed),
    [".state.active>rect:not(.final)", `fill:${active};stroke:${lively}`],
    [".rimmed.active text", `stroke:${active}`],
    [".arrow.taken>.way", `stroke:${lively}`],
    [".arrow.taken>.head", `fill:${lively}`],
    [".taken>.ground", `fill:${active}`],
    [".state.picked>rect", `stroke:${picked}`],
    [".arrow.picked>.way", `stroke:${picked}`],
    [".arrow.picked>.head", `fill:${picked}`],
    [".picked>.ground", `stroke:${picked};stroke-width:1.5px`]
  ];
}

// diagrams/ladders/ladder.ts
var margin = 24;
var titleHeight = 40;
var headHeight = 34;
var leading = 15;
var size = 12;
var small = 10;
var titleSize = 16;
var spacing = { least: 150, most: 300 };
var pill = 210;
function ladder(conversation, { repeatAfter: repeatAfter2 = 900, apart: apart2 = spacing.most } = {}) {
  const frame = framed(conversation, apart2);
  const names = new Map(conversation.lifelines.map(({ id, says }) => [id, says]));
  const drawn = [];
  let y = titleHeight;
  let named = -Infinity;
  conversation.rows.forEach((row) => {
    if (y - named > repeatAfter2) {
      drawn.push(heads(conversation, frame, y));
      named = y;
      y += headHeight + 14;
    }
    const { svg, height } = rowAt(row, frame, y);
    drawn.push(`<g class="${row.kind}"${row.step === void 0 ? "" : ` data-step="${row.step}"`} role="img" aria-label="${escaped(said(row, names))}">${svg}</g>`);
    y += height;
  });
  if (conversation.rows.length === 0) {
    drawn.push(heads(conversation, frame, y));
    y += headHeight + 14;
  }
  const bottom = y + 10;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="ladder" width="${frame.width}" height="${bottom + margin}" viewBox="0 0 ${frame.width} ${bottom + margin}" role="group" aria-label="${escaped(`sequence chart: ${conversation.title}`)}">`,
    `<style>`,
    ladderStyle,
    `</style>`,
    `<rect class="sheet" width="${frame.width}" height="${bottom + margin}"/>`,
    `<text class="title" x="${margin}" y="26">${escaped(fitted(conversation.title, titleSize, frame.width - 2 * margin, true))}</text>`,
    ...[...frame.middles.values()].map((x) => `<line class="life" x1="${x}" x2="${x}" y1="${titleHeight}" y2="${bottom}"/>`),
    ...drawn,
    `</svg>`,
    ""
  ].join("\n");
}
function said(row, names) {
  const clauses = "clauses" in row && row.clauses !== void 0 && row.clauses.length > 0 ? ` (${row.clauses.join(", ")})` : "";
  switch (row.kind) {
    case "message":
      return `${names.get(row.from)} to ${names.get(row.to)}: ${row.says}${clauses}`;
    case "state":
      return `${names.get(row.at)} is now in ${row.says}`;
    case "timer":
      return `timer of ${names.get(row.at)}: ${row.says}${clauses}`;
    case "note":
      return row.says;
  }
}
function framed({ title, lifelines, rows }, most) {
  const order = new Map(lifelines.map(({ id }, index) => [id, index]));
  const wanted = rows.map((row) => {
    if (row.kind !== "message") return 0;
    const apart2 = Math.max(1, Math.abs((order.get(row.from) ?? 0) - (order.get(row.to) ?? 0)));
    return (textWidth(row.says, size) + 30) / apart2;
  });
  const heads2 = lifelines.map(({ says }) => textWidth(says, size, true) / 2 + 30);
  const gap = Math.ceil(Math.min(most, Math.max(spacing.least, ...wanted, ...heads2)));
  const edge = Math.max(gap / 2, pill / 2) + margin;
  const middles = new Map(lifelines.map(({ id }, index) => [id, Math.round(edge + index * gap)]));
  const across = 2 * edge + (lifelines.length - 1) * gap;
  return { middles, gap, width: Math.ceil(Math.max(across, Math.min(900, textWidth(title, titleSize, true) + 2 * margin))) };
}
function heads({ lifelines }, { middles, gap }, y) {
  return lifelines.map(({ id, says }) => {
    const x = middles.get(id);
    const width = gap - 16;
    return `<g class="head"><rect x="${x - width / 2}" y="${y}" width="${width}" height="${headHeight}" rx="4"/>${placed(fitted(says, size, width - 12, true), x, y + headHeight / 2 + 4, "middle", "name")}</g>`;
  }).join("");
}
function rowAt(row, frame, y) {
  switch (row.kind) {
    case "message":
      return row.from === row.to ? itself(row, frame, y) : message(row, frame, y);
    case "state":
      return capsule(row.says, frame.middles.get(row.at), frame, y);
    case "timer":
      return timer(row, frame, y);
    case "note":
      return note(row.says, frame, y);
  }
}
function message({ from, to, says, clauses, dashed }, { middles }, y) {
  const [start, end] = [middles.get(from), middles.get(to)];
  const { lines, tags } = set(says, clauses, Math.abs(end - start) - 24);
  const middle = (start + end) / 2;
  const line2 = y + lines.length * leading + 5;
  const tip = end > start ? -1 : 1;
  return {
    svg: [
      centred(lines, middle, y + leading - 3),
      `<path class="arrow${dashed ? " within" : ""}" d="M${start} ${line2}H${end + tip * 2}"/>`,
      `<path class="tip" d="M${end} ${line2}l${tip * 9} -4.5v9z"/>`,
      tagged(tags, middle, line2 + small + 3)
    ].join(""),
    height: line2 - y + (tags.length > 0 ? tags.length * (small + 3) + 4 : 0) + 10
  };
}
function itself({ from, says, clauses, dashed }, { middles, gap }, y) {
  const x = middles.get(from);
  const { lines, tags } = set(says, clauses, gap - 60);
  const height = Math.max(lines.length * leading, 18);
  return {
    svg: [
      `<path class="arrow${dashed ? " within" : ""}" d="M${x} ${y + 4}H${x + 26}V${y + height + 2}H${x + 2}"/>`,
      `<path class="tip" d="M${x} ${y + height + 2}l9 -4.5v9z"/>`,
      ...lines.map((text, index) => placed(text, x + 33, y + 12 + index * leading, "start")),
      tagged(tags, x + 33, y + height + small + 4, "start")
    ].join(""),
    height: height + tags.length * (small + 3) + 16
  };
}
function capsule(says, x, { width }, y) {
  const lines = wrapped(says, size, pill - 24);
  const across = Math.min(pill, Math.max(...lines.map((line2) => textWidth(line2, size))) + 24);
  const height = lines.length * leading + 8;
  const left = Math.max(2, Math.min(x - across / 2, width - across - 2));
  return {
    svg: `<rect x="${round(left)}" y="${y}" width="${round(across)}" height="${height}" rx="${Math.min(14, height / 2)}"/>${centred(lines, left + across / 2, y + leading)}`,
    height: height + 10
  };
}
function timer({ at, says, clauses }, { middles, gap }, y) {
  const x = middles.get(at);
  const { lines, tags } = set(says, clauses, gap - 50);
  const height = Math.max(20, lines.length * leading);
  return {
    svg: [
      `<circle cx="${x}" cy="${y + 10}" r="8"/><path class="hands" d="M${x} ${y + 5}V${y + 10}H${x + 4}"/>`,
      ...lines.map((text, index) => placed(text, x + 16, y + 14 + index * leading, "start")),
      tagged(tags, x + 16, y + height + small + 2, "start")
    ].join(""),
    height: height + tags.length * (small + 3) + 12
  };
}
function note(says, { width }, y) {
  const lines = wrapped(says, size, width - 2 * margin - 24);
  const height = lines.length * leading + 10;
  return { svg: `<rect x="${margin}" y="${y}" width="${width - 2 * margin}" height="${height}" rx="3"/>${lines.map((line2, index) => placed(line2, margin + 12, y + leading + 1 + index * leading, "start")).join("")}`, height: height + 10 };
}
var set = (says, clauses, width) => ({
  lines: wrapped(says, size, Math.max(width, 60)),
  tags: [
    ...tagsOf((clauses ?? []).filter((clause) => !clause.startsWith("decided")), "tag", width),
    ...tagsOf((clauses ?? []).filter((clause) => clause.startsWith("decided")), "tag decided", width)
  ]
});
var tagsOf = (clauses, part, width) => clauses.length === 0 ? [] : wrapped(clauses.join(", "), small, Math.max(width, 90)).map((text) => ({ text, part }));
function wrapped(text, of, width) {
  const lines = [""];
  for (const word of text.split(/\s+/).filter(Boolean).flatMap((each2) => broken(each2, of, width))) {
    const longer = lines.at(-1) === "" ? word : `${lines.at(-1)} ${word}`;
    if (textWidth(longer, of) <= width || lines.at(-1) === "") lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
function broken(word, of, width) {
  if (textWidth(word, of) <= width) return [word];
  const pieces = [""];
  for (const letter of word) {
    if (textWidth(pieces.at(-1) + letter, of) > width) pieces.push(letter);
    else pieces[pieces.length - 1] += letter;
  }
  return pieces;
}
function fitted(text, of, width, bold = false) {
  if (textWidth(text, of, bold) <= width) return text;
  let kept = [...text];
  while (kept.length > 1 && textWidth(`${kept.join("")}…`, of, bold) > width) kept = kept.slice(0, -1);
  return `${kept.join("")}…`;
}
var centred = (lines, x, y) => lines.map((line2, index) => placed(line2, x, y + index * leading, "middle")).join("");
var tagged = (tags, x, y, anchor = "middle") => tags.map(({ text, part }, index) => placed(text, x, y + index * (small + 3), anchor, part)).join("");
function placed(text, x, y, anchor, part) {
  return `<text x="${round(x)}" y="${round(y)}"${anchor === "middle" ? ` text-anchor="middle"` : ""}${part === void 0 ? "" : ` class="${part}"`}>${escaped(text)}</text>`;
}
var round = (of) => Math.round(of * 10) / 10;
var escaped = (text) => text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "�").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
var scope2 = "svg.ladder";
var ladderStyle = [
  `${scope2}{${typography};font-size:${size}px}`,
  `${scope2} :is(.title,.name){font-weight:700}`,
  `${scope2} .title{font-size:${titleSize}px}`,
  `${scope2} .tag{font-size:${small}px}`,
  `${scope2} .decided{font-style:italic}`,
  `${scope2} .arrow{fill:none;stroke-width:1.2px}`,
  `${scope2} .within{stroke-dasharray:5 4}`,
  `${scope2} :is(.message,.timer) text{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}`,
  `${scope2} .timer :is(circle,.hands){stroke-width:1.5px}`,
  `${scope2} .hands{fill:none}`,
  `${scope2} .dim{opacity:.35}`,
  `${scope2} .picked :is(rect,.arrow){stroke-width:2.5px}`,
  themed(scope2, colours2)
].join("\n");
function colours2({ paper, ink, quiet, line: line2, cited, decided, shades, active, picked }) {
  return [
    ["", `background:${paper};fill:${ink}`],
    [".sheet", `fill:${paper}`],
    [".life", `stroke:${quiet};stroke-opacity:.5`],
    [".head rect", `fill:${shades[1]};stroke:${quiet}`],
    [".message text", `stroke:${paper}`],
    [".timer text", `stroke:${paper}`],
    [".arrow", `stroke:${ink}`],
    [".tip", `fill:${ink}`],
    [".tag", `fill:${cited}`],
    [".tag.decided", `fill:${decided}`],
    [".state rect", `fill:${shades[3]};stroke:${cited}`],
    [".note rect", `fill:${shades[0]};stroke:${line2}`],
    [".timer circle", `fill:${paper};stroke:${decided}`],
    [".hands", `stroke:${decided}`],
    [".picked .arrow", `stroke:${picked}`],
    [".picked .tip", `fill:${picked}`],
    [".picked rect", `fill:${active};stroke:${picked}`]
  ];
}

// diagrams/live/client/wording.ts
function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1e3));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${String(seconds % 60).padStart(2, "0")}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
}
var clockTime = (ms) => new Date(ms).toTimeString().slice(0, 8);
function octets(count2) {
  if (count2 < 1e3) return `${count2} octets`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = count2 / 1e3;
  let unit = 0;
  for (; value >= 999.95 && unit < units.length - 1; unit++) value /= 1e3;
  return `${value.toFixed(1)} ${units[unit]}`;
}
function leaves(state) {
  if (typeof state === "string") return state;
  return Object.values(state).map(leaves).join(", ");
}
function statesIn(machine, state) {
  const below = (prefix, value) => {
    if (typeof value === "string") return [`${prefix}.${value}`];
    return Object.entries(value).flatMap(([key, inner]) => [`${prefix}.${key}`, ...below(`${prefix}.${key}`, inner)]);
  };
  return below(machine, state);
}
var counted = (counts) => Object.entries(counts).flatMap(([name, count2]) => count2 > 0 ? [`${count2} ${name}`] : []).join(", ") || "nobody";
var number = (count2) => count2.toLocaleString("en");
function remembered(value) {
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map((each2, at) => `${at}: ${remembered(each2)}`).join("\n");
  if (value === null || typeof value !== "object") return String(value);
  return Object.entries(value).map(([name, inner]) => `${name} ${remembered(inner)}`).join(", ");
}
function said2({ type, ...params }) {
  const word = (value) => typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : JSON.stringify(value);
  return [type, ...Object.entries(params).map(([name, value]) => `${name}=${word(value)}`)].join(" ");
}

// diagrams/live/client/conversation.ts
var focus = "focus";
var lifelinesAtMost = 8;
function conversationOf(group2, rows) {
  const speaker = new Speakers(group2);
  const all = group2.happened.flatMap((one) => rowsOf(one, speaker)).slice(-rows);
  const heard2 = new Set(all.flatMap((row) => row.kind === "message" ? [row.from, row.to] : row.kind === "note" ? [] : [row.at]));
  heard2.delete(focus);
  const ordered = [...heard2].toSorted((a, b) => speaker.placeOf(a) - speaker.placeOf(b));
  const own = new Set(ordered.slice(0, lifelinesAtMost));
  const others = ordered.length - own.size;
  const line2 = (id) => id === focus || own.has(id) ? id : "others";
  return {
    title: group2.shown?.subject ?? "Group",
    lifelines: [{ id: focus, says: "Controlling Function" }, ...ordered.slice(0, lifelinesAtMost).map((id) => ({ id, says: speaker.nameOf(id) })), ...others > 0 ? [{ id: "others", says: `${others} others` }] : []],
    rows: all.map((row) => row.kind === "message" ? { ...row, from: line2(row.from), to: line2(row.to) } : row.kind === "note" ? row : { ...row, at: line2(row.at) })
  };
}
var Speakers = class {
  #group;
  constructor(group2) {
    this.#group = group2;
  }
  placeOf(id) {
    return id === "operator" ? -1 : id === "stranger" ? Infinity : Number(id);
  }
  nameOf(id) {
    if (id === "operator") return "Operator";
    if (id === "stranger") return "a stranger";
    return (this.#group.seats.get(Number(id))?.uri ?? `seat ${id}`).replace(/^sips?:/, "").replace(/@.*$/, "");
  }
  /** The peer of a machine that has one. */
  of({ machine, instance }) {
    const [owner = "", part = ""] = instance.split(".");
    switch (machine) {
      case "group-participant":
      case "conference-subscription":
        return owner;
      case "large-message-recipient": {
        const uri = this.#group.transfers.get(owner)?.recipients[Number(part)]?.uri;
        return String([...this.#group.seats.values()].find((seat) => seat.uri === uri)?.seat ?? "stranger");
      }
      case "group-file-transfer":
      case "large-message-sender":
        return String(this.#group.transfers.get(owner)?.sender.seat ?? "stranger");
      default:
        return void 0;
    }
  }
};
function rowsOf(one, speaker) {
  if (one.kind === "note") return [{ kind: "note", says: `${clockTime(one.at)} ${one.says}` }];
  const { step, before } = one;
  return [...heard(step, speaker), ...done(step, speaker), ...moved(step, before, speaker)];
}
function heard(step, speaker) {
  const { event, machine, effects } = step;
  if (event === void 0) return [];
  const timer2 = event.type.startsWith("xstate.after.") ? event.type.split(".")[2] : void 0;
  if (timer2 !== void 0) return [{ kind: "timer", at: speaker.of(step) ?? focus, says: timer2 }];
  if (event.type.startsWith("admin.")) return machine === "group-session" ? [{ kind: "message", from: "operator", to: focus, says: said2({ ...event, type: event.type.replace("admin.", "") }) }] : [];
  if (!/^(sip|msrp|data)\./.test(event.type)) return [];
  if (machine === "group-file-transfer" || effects.some(({ type: type2 }) => type2 === "startSubscription")) return [];
  const { from = machine === "group-session" ? 0 : speaker.of(step), type, claims, ...rest } = event;
  const told = { type: type.replace(/^(sip|msrp)\./, ""), ...rest, ...claims === "other" && { claims } };
  return [{ kind: "message", from: String(from), to: focus, says: said2(told) }];
}
function done(step, speaker) {
  const { event, machine, effects, refusal } = step;
  const asker = machine === "group-session" ? String(event?.["from"] ?? 0) : speaker.of(step) ?? focus;
  const to = (says, whom = asker) => ({ kind: "message", from: focus, to: whom, says });
  const rows = effects.flatMap((effect) => {
    const { type, status, warning, method, reason, state, ...rest } = effect;
    const refused = warning === void 0 ? "" : `, ${String(warning)}`;
    switch (type) {
      case "answer":
      case "answerMsrp":
      case "answerSubscribe":
        return [to(`${String(status)}${refused}`)];
      case "sendSipRequest":
        return [to(String(method))];
      case "sendSipResponse":
        return [to(`${String(status)} (${String(method)})${refused}`)];
      case "sendBye":
        return [to(`BYE, ${String(reason)}`)];
      case "sendNotify":
        return [to(`NOTIFY, ${String(state)}, ${String(rest["subscription"])}`)];
      case "openDelivery":
        return [to("MSRP SEND: the file")];
      case "relay":
        return relayed(rest["to"], String(event?.["content"] ?? "message"), to);
      default:
        return [];
    }
  });
  return refusal?.status === void 0 ? rows : [...rows, to(String(refusal.status))];
}
function relayed(seats, content, to) {
  return seats.length > lifelinesAtMost ? [{ kind: "note", says: `${content} to ${seats.length} participants` }] : seats.map((seat) => to(`SEND, ${content}`, String(seat)));
}
function moved({ machine, instance, state }, before, speaker) {
  const old = before === void 0 || before === "" ? [] : leaves(before).split(", ");
  const now = leaves(state).split(", ").filter((leaf) => !old.includes(leaf));
  if (now.length === 0) return [];
  const about = { "group-session": "group", "group-participant": "dialog", "conference-subscription": "subscription", "group-file-transfer": "9.3.1", "large-message": "9.1.2", "large-message-sender": "sender", "large-message-recipient": "recipient" };
  const own = machine === "group-file-transfer" ? void 0 : speaker.of({ machine, instance });
  return [{ kind: "state", at: own ?? focus, says: `${about[machine] ?? machine}: ${now.join(", ")}` }];
}

// diagrams/live/client/picture.ts
var drawing = /* @__PURE__ */ new Set(["svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "title", "desc", "defs", "marker", "symbol", "use", "clipPath"]);
var namespace = "http://www.w3.org/2000/svg";
var rules = { createHTML: (svg) => svg.replaceAll(/<style>[^<]*<\/style>/g, "") };
var policy = typeof trustedTypes === "undefined" ? rules : trustedTypes.createPolicy("picture", rules);
function picture2(svg) {
  const { documentElement } = new DOMParser().parseFromString(policy.createHTML(svg), "image/svg+xml");
  if (documentElement.namespaceURI !== namespace || documentElement.localName !== "svg") throw new Error("this is no picture");
  return copied(documentElement);
}
function copied(element) {
  const copy = document.createElementNS(namespace, element.localName);
  for (const { name, value } of element.attributes) if (isPlain(name, value)) copy.setAttribute(name, value);
  for (const child of element.childNodes) {
    if (child instanceof Text) copy.append(child.data);
    else if (child instanceof Element && child.namespaceURI === namespace && drawing.has(child.localName)) copy.append(copied(child));
  }
  return copy;
}
function isPlain(name, value) {
  if (/^on|^style$|^xmlns|^xml:/i.test(name)) return false;
  if (/^(xlink:)?href$/i.test(name)) return value.startsWith("#");
  return !/url\((?!["']?#)/i.test(value);
}

// diagrams/live/client/ladder-view.ts
var rowsAtMost = 120;
var stepsAtMost = 200;
var repeatAfter = 420;
var apart = 180;
var smallest = 0.8;
var againMs = 250;
var LadderView = class {
  element;
  #group;
  #before = h("p", { class: "quiet" });
  #ladder = h("div", { class: "scroll ladder", tabindex: 0, role: "region", "aria-label": "Ladder, the latest at the bottom" });
  #lines = h("ol", { class: "steps" });
  #words;
  #drawnAt = 0;
  #waiting;
  constructor(group2) {
    this.#group = group2;
    this.#words = h("details", { ontoggle: () => this.#drawWords() }, h("summary", {}, "Step by step, in words"), h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Steps, the latest first" }, this.#lines));
    this.element = h("section", { "aria-label": "What happens" }, h("h3", {}, "What happens"), this.#before, this.#ladder, this.#words);
  }
  draw() {
    const { happened, letGo } = this.#group;
    say(this.#before, happened.length === 0 ? "Nothing since this page looks on." : letGo > 0 ? "Earlier steps are no longer shown." : "");
    this.#ladder.hidden = happened.length === 0;
    this.#drawWords();
    if (this.#waiting !== void 0 || happened.length === 0) return;
    this.#waiting = setTimeout(() => {
      this.#waiting = void 0;
      this.#drawLadder();
    }, Math.max(0, this.#drawnAt + againMs - performance.now()));
  }
  #drawLadder() {
    const view = this.#ladder;
    const followed = view.scrollTop + view.clientHeight >= view.scrollHeight - 40;
    const drawn = picture2(ladder(conversationOf(this.#group, rowsAtMost), { repeatAfter, apart }));
    drawn.style.minWidth = `${Math.round(smallest * drawn.viewBox.baseVal.width)}px`;
    replace(view, drawn);
    if (followed) view.scrollTop = view.scrollHeight;
    this.#drawnAt = performance.now();
  }
  #drawWords() {
    if (!this.#words.open) return;
    const { happened, letGo } = this.#group;
    const lines = happened.map((one, at) => ({ one, key: String(letGo + at) })).slice(-stepsAtMost).reverse();
    keyed(this.#lines, lines, ({ key }) => key, ({ one }) => h("li", { class: one.kind === "note" ? "note" : one.step.handled ? "" : "refused" }, line(one)), () => {
    });
  }
};
function line(one) {
  if (one.kind === "note") return [h("time", {}, clockTime(one.at)), h("b", {}, one.says)];
  const { at, machine, instance, event, state, effects, taken, handled, refusal } = one.step;
  const to = leaves(state);
  const from = one.before === void 0 || one.before === "" ? void 0 : leaves(one.before);
  const rules2 = taken.length === 0 ? "" : ` by rule ${taken.map(({ rule }) => rule).join(", ")}`;
  return [
    h("time", {}, clockTime(at)),
    h("span", { class: "machine-name" }, machine, " ", h("small", {}, instance.split(".").at(-1).slice(0, 8))),
    h("code", {}, event === void 0 ? "begins" : said2(event)),
    handled ? h("span", {}, from === void 0 || from === to ? `in ${to}` : `${from} → ${to}`, rules2) : h("b", {}, `refused: ${refusal?.status ?? refusal?.protocol ?? "nothing to do"}`),
    effects.length > 0 && h("span", { class: "effects" }, effects.map(said2).join(" · "))
  ];
}

// diagrams/site/client/chart-view.ts
var legible = 1.2;
var closest2 = 12;
var ChartView = class {
  element;
  #window = h("div", { class: "window", tabindex: 0, role: "group", "aria-label": "Statechart. Arrow keys move it, plus and minus zoom, zero fits it in." });
  #sheets;
  #read;
  #fingers = /* @__PURE__ */ new Map();
  #svg;
  #whole = { x: 0, y: 0, width: 1, height: 1 };
  #part = this.#whole;
  #moved = 0;
  #isClose = false;
  #lit = { active: /* @__PURE__ */ new Set(), taken: /* @__PURE__ */ new Set() };
  #picked = {};
  #onPick;
  /** Without `onPick` nothing can be picked. `read` makes elements of a drawing; a page that trusts no files takes less of it over. */
  constructor(sheets, onPick, read3 = picture) {
    this.#sheets = sheets;
    this.#read = read3;
    this.#onPick = onPick;
    const choice = h("select", { "aria-label": "Picture", onchange: () => this.show(Number(choice.value)) }, sheets.map(({ title }, index) => h("option", { value: index }, title)));
    const button = (label, sign, act) => h("button", { type: "button", class: "icon", "aria-label": label, title: label, onclick: act }, sign);
    this.element = h(
      "section",
      { class: "chart", "aria-label": "Picture" },
      h(
        "div",
        { class: "tools" },
        sheets.length > 1 && choice,
        h("span", { class: "push" }),
        button("Zoom in", "+", () => this.#zoom(1.4)),
        button("Zoom out", "−", () => this.#zoom(1 / 1.4)),
        button("Fit it in", "⤢", () => this.fit())
      ),
      this.#window
    );
    this.#listen();
    this.show(0);
  }
  show(index) {
    const svg = this.#read(this.#sheets[index].svg);
    this.#svg = svg;
    const { x, y, width, height } = svg.viewBox.baseVal;
    this.#whole = { x, y, width, height };
    svg.removeAttribute("width");
    svg.removeAttribute("height");
    svg.setAttribute("role", "group");
    for (const each2 of this.#parts()) {
      if (each2.getAttribute("aria-hidden") === "true" || this.#onPick === void 0) continue;
      each2.setAttribute("tabindex", "0");
      each2.setAttribute("role", "button");
      const says = each2.getAttribute("aria-label");
      if (says === null || (each2.textContent ?? "").trim() === "") continue;
      each2.setAttribute("aria-description", says);
      each2.removeAttribute("aria-label");
    }
    replace(this.#window, svg);
    this.fit();
    requestAnimationFrame(() => {
      if (this.#svg !== svg) return;
      this.fit();
      this.#approach();
    });
    this.#light();
  }
  /** The chart itself, without the tables of its sheet. */
  fit() {
    this.#isClose = false;
    this.#look((this.#svg && chartIn(this.#svg)) ?? this.#whole);
  }
  light(active, taken) {
    this.#lit = { active: new Set(active), taken: new Set(taken) };
    this.#light();
    const lit = this.#isClose ? this.#svg?.querySelector(".active") : void 0;
    if (lit) this.#reveal(lit);
  }
  pick(picked) {
    this.#picked = picked;
    this.#light();
  }
  #parts() {
    return [...this.#svg?.querySelectorAll("[data-state], [data-rules]") ?? []];
  }
  #light() {
    const { active, taken } = this.#lit;
    for (const part of this.#parts()) {
      const state = part.getAttribute("data-state");
      const rules2 = rulesOf(part);
      const isIn = state !== null && active.has(state);
      const isAround = isIn && [...active].some((each2) => each2.startsWith(`${state}.`));
      part.classList.toggle("active", isIn && !isAround);
      part.classList.toggle("around", isAround);
      part.classList.toggle("taken", rules2.some((rule) => taken.has(rule)));
      part.classList.toggle("picked", state !== null && state === this.#picked.state || rules2.some((rule) => this.#picked.rules?.includes(rule) === true));
    }
  }
  // ---------------------------------------------------------------- moving
  /** What was picked before the chart was there is shown so large that it can be read. */
  #approach() {
    const picked = this.#svg?.querySelector(".picked");
    if (!picked || this.#scale() <= legible) return;
    this.#zoom(this.#scale() / legible);
    this.#reveal(picked);
  }
  #look(part) {
    this.#part = part;
    this.#svg?.setAttribute("viewBox", `${part.x} ${part.y} ${part.width} ${part.height}`);
  }
  /** About a point of the window, or its middle. */
  #zoom(by, at) {
    this.#isClose = true;
    const { x, y, width, height } = this.#part;
    const least = this.#whole.width / closest2;
    const wide = Math.min(Math.max(width / by, least), this.#whole.width * 1.5);
    const factor = wide / width;
    const centre = at === void 0 ? { x: x + width / 2, y: y + height / 2 } : this.#inDrawing(at);
    this.#look({ x: centre.x - (centre.x - x) * factor, y: centre.y - (centre.y - y) * factor, width: wide, height: height * factor });
  }
  #move(dx, dy) {
    const scale = this.#scale();
    this.#look({ ...this.#part, x: this.#part.x - dx * scale, y: this.#part.y - dy * scale });
  }
  /** Lengths of the drawing in a pixel of the window. */
  #scale() {
    const { width, height } = this.#window.getBoundingClientRect();
    return Math.max(this.#part.width / Math.max(width, 1), this.#part.height / Math.max(height, 1));
  }
  #inDrawing({ x, y }) {
    const box = this.#window.getBoundingClientRect();
    const scale = this.#scale();
    return { x: this.#part.x + this.#part.width / 2 + (x - box.left - box.width / 2) * scale, y: this.#part.y + this.#part.height / 2 + (y - box.top - box.height / 2) * scale };
  }
  /** Moves the window so that a part that got the focus can be seen. */
  #reveal(part) {
    const box = this.#window.getBoundingClientRect();
    const { left, top, right, bottom } = part.getBoundingClientRect();
    if (left >= box.left && right <= box.right && top >= box.top && bottom <= box.bottom) return;
    this.#move(box.left + box.width / 2 - (left + right) / 2, box.top + box.height / 2 - (top + bottom) / 2);
  }
  #listen() {
    const view = this.#window;
    const choose = (target) => {
      const part = target?.closest("[data-state], [data-rules]");
      if (part === null || part === void 0 || this.#onPick === void 0) return false;
      const state = part.getAttribute("data-state");
      this.#onPick(state === null ? { rules: rulesOf(part) } : { state });
      return true;
    };
    view.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.#zoom(Math.exp(-event.deltaY / (event.ctrlKey ? 100 : 400)), { x: event.clientX, y: event.clientY });
    }, { passive: false });
    view.addEventListener("pointerdown", (event) => {
      if (this.#fingers.size === 0) this.#moved = 0;
      this.#fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    });
    view.addEventListener("pointermove", (event) => {
      const before = this.#fingers.get(event.pointerId);
      if (before === void 0) return;
      const now = { x: event.clientX, y: event.clientY };
      const other = [...this.#fingers].find(([finger]) => finger !== event.pointerId)?.[1];
      if (other === void 0) this.#move(now.x - before.x, now.y - before.y);
      else {
        this.#zoom(distance(now, other) / Math.max(distance(before, other), 1), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
        this.#move((now.x - before.x) / 2, (now.y - before.y) / 2);
      }
      this.#moved += distance(before, now);
      this.#fingers.set(event.pointerId, now);
      if (this.#moved > 4 && !view.hasPointerCapture(event.pointerId)) view.setPointerCapture(event.pointerId);
    });
    for (const end of ["pointerup", "pointercancel"]) view.addEventListener(end, (event) => void this.#fingers.delete(event.pointerId));
    view.addEventListener("pointerleave", (event) => void (view.hasPointerCapture(event.pointerId) || this.#fingers.delete(event.pointerId)));
    view.addEventListener("click", (event) => void (this.#moved <= 4 && choose(event.target)));
    view.addEventListener("focusin", (event) => void (event.target !== view && event.target.matches(":focus-visible") && this.#reveal(event.target)));
    view.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if ((event.key === "Enter" || event.key === " ") && choose(event.target)) event.preventDefault();
      const act = this.#keys[event.key];
      if (act === void 0) return;
      event.preventDefault();
      act();
    });
  }
  #keys = {
    ArrowLeft: () => this.#move(60, 0),
    ArrowRight: () => this.#move(-60, 0),
    ArrowUp: () => this.#move(0, 60),
    ArrowDown: () => this.#move(0, -60),
    "+": () => this.#zoom(1.25),
    "=": () => this.#zoom(1.25),
    "-": () => this.#zoom(0.8),
    "0": () => this.fit()
  };
};
function chartIn(svg) {
  const group2 = svg.querySelector("[data-state]")?.parentElement;
  if (!group2 || !group2.isConnected) return void 0;
  const { x, y, width, height } = group2.getBBox();
  if (width === 0) return void 0;
  const at = group2.transform.baseVal.consolidate()?.matrix;
  const air = Math.max(width, height) * 0.02;
  return { x: x + (at?.e ?? 0) - air, y: y + (at?.f ?? 0) - air, width: width + 2 * air, height: height + 2 * air };
}
function chartAlone(svg, read3 = picture) {
  const drawing2 = read3(svg);
  for (const each2 of [...drawing2.children]) if (each2.matches(".title") || each2.tagName === "g" && each2.querySelector("[data-state]") === null) each2.remove();
  return drawing2;
}
var rulesOf = (part) => (part.getAttribute("data-rules") ?? "").split(" ").filter(Boolean).map(Number);
var distance = (one, other) => Math.hypot(one.x - other.x, one.y - other.y);

// diagrams/live/client/machine-view.ts
var takenMs = 1500;
var MachineView = class {
  element;
  #pictures;
  #title = h("h3", {});
  #states = h("p", { class: "states" });
  #timers = h("ul", { class: "timers" });
  #context = h("dl", { class: "context" });
  #place = h("div", { class: "place" });
  #picked = h("p", { class: "picked-words", role: "status" });
  #chart;
  #wanted;
  constructor(pictures2) {
    this.#pictures = pictures2;
    this.element = h(
      "section",
      { class: "machine", "aria-label": "Statechart" },
      this.#title,
      this.#states,
      this.#place,
      this.#picked,
      h("div", { class: "beside" }, h("section", {}, h("h4", {}, "Timers"), this.#timers), h("section", {}, h("h4", {}, "Counters and memory"), this.#context))
    );
  }
  draw(machine, title) {
    say(this.#title, title);
    say(this.#states, machine.over ? `over, in ${leaves(machine.state)}` : `in ${leaves(machine.state)}`);
    void this.#show(machine.machine);
    if (this.#chart?.machine === machine.machine) this.#light(this.#chart.view, machine);
    const entries = Object.entries(machine.context ?? {});
    const rows = entries.flatMap(([name, value]) => [{ name, text: name, tag: "dt" }, { name: `${name} is`, text: remembered(value), tag: "dd" }]);
    keyed(this.#context, rows, ({ name }) => name, ({ tag }) => h(tag, {}), (element, { text }) => say(element, text));
    this.#context.hidden = rows.length === 0;
    this.tick(machine);
  }
  /** What goes on although nothing happens. */
  tick(machine) {
    const now = performance.now();
    const running = machine.timers.map(({ timer: timer2, endsAt }, at) => ({ key: `${at} ${timer2}`, text: `${timer2} ${duration(Math.ceil((endsAt - now) / 1e3) * 1e3)}` }));
    keyed(this.#timers, running.length > 0 ? running : [{ key: "none", text: "none runs" }], ({ key }) => key, () => h("li", {}), (element, { text }) => say(element, text));
    if (this.#chart?.machine === machine.machine) this.#light(this.#chart.view, machine);
  }
  #light(view, { machine, state, taken, takenAt }) {
    view.light(statesIn(machine, state), performance.now() - takenAt < takenMs ? taken : []);
  }
  async #show(machine) {
    if (this.#wanted === machine) return;
    this.#wanted = machine;
    const sheets = await this.#pictures.of(machine).catch(() => void 0);
    if (this.#wanted !== machine) return;
    this.#picked.textContent = "";
    if (sheets === void 0 || sheets.length === 0) {
      this.#wanted = void 0;
      this.#chart = void 0;
      return replace(this.#place, h("p", {}, `There is no picture of ${machine}.`));
    }
    const view = new ChartView(sheets, ({ state, rules: rules2 }) => {
      view.pick({ ...state !== void 0 && { state }, ...rules2 !== void 0 && { rules: rules2 } });
      const part = view.element.querySelector(state === void 0 ? `[data-rules="${rules2?.join(" ")}"]` : `[data-state="${CSS.escape(state)}"]`);
      say(this.#picked, part?.getAttribute("aria-description") ?? part?.getAttribute("aria-label") ?? "");
    }, (svg) => chartAlone(svg, picture2));
    this.#chart = { machine, view };
    replace(this.#place, view.element);
  }
};
var Pictures = class {
  #known = /* @__PURE__ */ new Map();
  of(machine) {
    const known = this.#known.get(machine) ?? read(machine);
    this.#known.set(machine, known);
    known.catch(() => this.#known.delete(machine));
    return known;
  }
};
function read(machine) {
  return Promise.all(
    (define_printedPictures_default[machine] ?? []).map(async (file) => {
      const answer = await fetch(`/diagrams/${file}`, { credentials: "omit" });
      if (!answer.ok) throw new Error(`${answer.status} ${file}`);
      return { title: file.slice(0, -".svg".length), svg: await answer.text() };
    })
  );
}

// diagrams/live/client/operator.ts
var Refused = class extends Error {
  status;
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
};
var Unreachable = class extends Error {
};
var silenceMs = 4e4;
var answerMs = 1e4;
var tokenKey = "cpm-admin-token";
var Operator = class {
  /** Asks for the token; `again`: the one that was shown is not it. */
  #askForToken;
  #asking;
  /** How far the server's clock is before ours. */
  #aheadMs = 0;
  constructor(askForToken2) {
    this.#askForToken = askForToken2;
  }
  /** Milliseconds since the epoch, by the server's clock. */
  get now() {
    return Date.now() + this.#aheadMs;
  }
  get hasToken() {
    return sessionStorage.getItem(tokenKey) !== null;
  }
  forgetToken() {
    sessionStorage.removeItem(tokenKey);
  }
  /** @throws {Refused} @throws {Unreachable} */
  async get(path) {
    return await (await this.#ask(path, {})).json();
  }
  /** @throws {Refused} @throws {Unreachable} */
  async delete(path) {
    await this.#ask(path, { method: "DELETE" });
  }
  /** Server-sent events, until the server ends them, nothing comes any more or `over` says so. @throws {Refused} @throws {Unreachable} */
  async *stream(path, over) {
    const silence = new AbortController();
    const slow = setTimeout(() => silence.abort(), silenceMs);
    const answer = await this.#ask(path, { signal: AbortSignal.any([over, silence.signal]) }).finally(() => clearTimeout(slow));
    const chunks = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (; ; ) {
      const late = setTimeout(() => silence.abort(), silenceMs);
      const { done: done2, value } = await chunks.read().catch(() => {
        throw new Unreachable("the connection broke");
      }).finally(() => clearTimeout(late));
      if (done2) return;
      const frames = (text + value).split("\n\n");
      text = frames.pop();
      for (const frame of frames) {
        const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(frame) ?? [];
        if (event !== void 0) yield { event, data: JSON.parse(data) };
      }
    }
  }
  async #ask(path, init) {
    for (; ; ) {
      const token = sessionStorage.getItem(tokenKey);
      const answer = await fetch(path, { credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(answerMs), ...init, headers: token === null ? {} : { authorization: `Bearer ${token}` } }).catch(() => {
        throw new Unreachable("the server does not answer");
      });
      const date = Date.parse(answer.headers.get("date") ?? "");
      if (Math.abs(date + 500 - this.now) > 1500) this.#aheadMs = date + 500 - Date.now();
      if (answer.ok) return answer;
      if (answer.status !== 401) throw new Refused(answer.status, await detailOf(answer));
      if (sessionStorage.getItem(tokenKey) === token) await (this.#asking ??= this.#learnToken(token !== null).finally(() => this.#asking = void 0));
    }
  }
  async #learnToken(again) {
    this.forgetToken();
    sessionStorage.setItem(tokenKey, await this.#askForToken(again));
  }
};
async function detailOf(answer) {
  const problem = await answer.json().catch(() => ({}));
  return problem.detail ?? `${answer.status} ${answer.statusText}`;
}

// diagrams/live/client/watched-group.ts
var keptAtMost = 400;
var machinesAtMost = 500;
var keyOf = ({ machine, instance }) => `${machine}/${instance}`;
var WatchedGroup = class {
  id;
  machines = /* @__PURE__ */ new Map();
  #changed;
  #somebodyNew;
  #happened = [];
  #letGo = 0;
  #shown;
  #state = "connecting";
  /** Everybody who has had a seat or a file since we look on: what is over is still spoken of. */
  seats = /* @__PURE__ */ new Map();
  transfers = /* @__PURE__ */ new Map();
  /** `somebodyNew`: a machine began that is of a seat or a file of which nothing is known yet. */
  constructor(id, changed, somebodyNew) {
    this.id = id;
    this.#changed = changed;
    this.#somebodyNew = somebodyNew;
  }
  get shown() {
    return this.#shown;
  }
  get state() {
    return this.#state;
  }
  /** In order, the last at the end. */
  get happened() {
    return this.#happened;
  }
  /** How much happened before that and is no longer kept. */
  get letGo() {
    return this.#letGo;
  }
  /** What the list says of it. */
  show(group2) {
    this.#shown = group2;
    for (const seat of group2.seats) this.seats.set(seat.seat, seat);
    for (const transfer of group2.fileTransfers) this.transfers.set(transfer.id, transfer);
    this.#changed();
  }
  lost() {
    if (this.#state === "live") this.#state = "lost";
    this.#changed();
  }
  /** It is not there. Where the stream still runs, that tells of the end. */
  gone() {
    if (this.#state === "ended" || this.#state === "live") return;
    this.#note("The group is not here any more: it has ended, or the server has started again.");
    this.#end("gone");
  }
  #end(state) {
    this.#state = state;
    for (const machine of this.machines.values()) machine.timers = [];
    this.#changed();
  }
  take({ event, data }) {
    switch (event) {
      case "snapshot":
        if (this.#state === "lost") this.#note("The connection was lost. What happened until here was not told; this is how everything stands now.");
        this.#state = "live";
        this.#begin(data);
        break;
      case "step":
        this.#step(data);
        break;
      case "timers":
        this.#at(data).timers = ends(data.timers);
        break;
      case "dropped":
        this.#note(`${data.seen} steps and timers were dropped: this page did not read fast enough. This is how everything stands now.`);
        break;
      case "ended":
        this.#note("The group has ended.");
        this.#end("ended");
    }
    this.#changed();
  }
  #begin(group2) {
    this.machines.clear();
    for (const { machine, instance, state, context, over, timers } of group2.machines) {
      this.machines.set(keyOf({ machine, instance }), { machine, instance, state, context, over, timers: ends(timers), taken: [], takenAt: 0 });
    }
    this.show(group2);
  }
  #step(step) {
    const known = this.machines.get(keyOf(step));
    const [owner = ""] = step.instance.split(".");
    if (known === void 0 && !this.transfers.has(owner) && !this.seats.has(Number(owner))) this.#somebodyNew();
    this.#keep({ kind: "step", step, before: known?.state });
    const machine = this.#at(step);
    machine.state = step.state;
    if ("context" in step) machine.context = step.context;
    machine.over = step.over;
    if (step.over) machine.timers = [];
    machine.taken = step.taken.map(({ rule }) => rule);
    machine.takenAt = performance.now();
  }
  #at({ machine, instance }) {
    const key = keyOf({ machine, instance });
    const known = this.machines.get(key) ?? { machine, instance, state: "", context: {}, over: false, timers: [], taken: [], takenAt: 0 };
    this.machines.set(key, known);
    if (this.machines.size > machinesAtMost) this.#forgetOne();
    return known;
  }
  #forgetOne() {
    for (const [key, { over }] of this.machines) if (over) return void this.machines.delete(key);
  }
  #note(says) {
    this.#keep({ kind: "note", at: Date.now(), says });
  }
  #keep(one) {
    this.#happened.push(one);
    if (this.#happened.length <= keptAtMost) return;
    const less = this.#happened.length - Math.floor(keptAtMost * 0.75);
    this.#letGo += less;
    this.#happened = this.#happened.slice(less);
  }
};
var ends = (timers) => timers.map(({ timer: timer2, leftMs }) => ({ timer: timer2, endsAt: performance.now() + leftMs }));

// diagrams/live/client/group-view.ts
var againMs2 = 1e3;
var tickMs = 250;
var members = ["invited", "connected", "away"];
var GroupView = class {
  element;
  #operator;
  #group;
  #over = new AbortController();
  #title = h("h2", { tabindex: -1 });
  #chip = h("span", { class: "chip" });
  #facts = h("dl", { class: "facts" });
  #end = h("button", { type: "button", class: "grave", onclick: () => void this.#onEnd() }, "End the group");
  #said = h("p", { class: "said", role: "status" });
  #seats = h("tbody", {});
  #files = h("ul", { class: "files" });
  #filesSection = h("section", { "aria-label": "Files" }, h("h3", {}, "Files"), this.#files);
  #machines = h("div", { class: "machines", role: "group", "aria-label": "Machines" });
  #machine;
  #ladder;
  #chosen;
  #wanted = "";
  #drawing = false;
  constructor(id, operator2, link2, pictures2) {
    this.#operator = operator2;
    this.#group = new WatchedGroup(id, () => this.#drawSoon(), () => void this.#learn().catch(() => {
    }));
    this.#machine = new MachineView(pictures2);
    this.#ladder = new LadderView(this.#group);
    this.#filesSection.hidden = true;
    this.element = h(
      "article",
      { class: "group", "aria-busy": "true" },
      h("a", { class: "back", href: "#/groups" }, "All groups"),
      h("header", {}, this.#title, this.#chip, h("span", { class: "push" }), this.#end),
      this.#said,
      this.#facts,
      h("section", { class: "running", "aria-label": "Machines" }, h("div", {}, h("h3", {}, "Machines"), this.#machines), this.#machine.element),
      this.#ladder.element,
      h("section", { "aria-label": "Participants" }, h("h3", {}, "Participants"), participants(this.#seats)),
      this.#filesSection
    );
    this.#follow(id, link2);
    const tick = setInterval(() => this.#tick(), tickMs);
    this.#over.signal.addEventListener("abort", () => clearInterval(tick));
  }
  close() {
    this.#over.abort();
  }
  focus() {
    this.#title.focus();
  }
  /** Looks at that machine, as soon as there is one of that key. */
  choose(key) {
    this.#chosen = void 0;
    this.#wanted = key;
    this.#drawSoon();
  }
  #follow(id, link2) {
    const { signal } = this.#over;
    const group2 = this.#group;
    const isOver = () => signal.aborted || group2.state === "ended" || group2.state === "gone";
    const path = encodeURIComponent(id);
    const gone = (fault) => {
      if (!(fault instanceof Refused)) throw fault;
      if (fault.status === 404) group2.gone();
      else say(this.#said, fault.message);
    };
    const steps = async () => {
      for await (const told of this.#operator.stream(`/api/inspect?group=${path}`, signal)) {
        link2.up();
        group2.take(told);
        say(this.#said, "");
      }
      if (isOver()) return void 0;
      throw new Unreachable("the stream ended");
    };
    void link2.repeat(signal, () => steps().catch((fault) => {
      group2.lost();
      if (fault instanceof Refused && fault.status === 503) say(this.#said, `The steps of this group are not told: ${fault.message}.`);
      throw fault;
    })).catch(gone);
    void link2.repeat(signal, async () => {
      if (isOver()) return void 0;
      await this.#learn();
      link2.up();
      return againMs2;
    }).catch(gone);
  }
  async #learn() {
    this.#group.show(await this.#operator.get(`/api/groups/${encodeURIComponent(this.#group.id)}?machines=no`));
  }
  // ---------------------------------------------------------------- what the operator does
  async #onEnd() {
    const { subject } = this.#group.shown;
    if (await confirmed(`End the group${subject === null ? "" : ` “${subject}”`}?`, "Everybody gets BYE with 410 Gone, and its files break off. This cannot be undone.", "End the group")) {
      await this.#do(`/api/groups/${encodeURIComponent(this.#group.id)}`);
    }
  }
  async #onRemove(seat) {
    const { uri } = this.#group.seats.get(seat);
    if (await confirmed(`Remove ${uri}?`, "All dialogs of this participant end, and who was removed stays out of the group. This cannot be undone.", "Remove")) {
      await this.#do(`/api/groups/${encodeURIComponent(this.#group.id)}/participants/${seat}`);
    }
  }
  async #do(path) {
    try {
      await this.#operator.delete(path);
      say(this.#said, "");
    } catch (fault) {
      say(this.#said, `It was not done: ${fault.message}.`);
    }
  }
  // ---------------------------------------------------------------- drawing
  /** Once a frame, however much happens. */
  #drawSoon() {
    if (this.#drawing || this.#over.signal.aborted) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#draw();
    });
  }
  #draw() {
    const group2 = this.#group;
    const { shown, state } = group2;
    this.element.setAttribute("aria-busy", String(state === "connecting"));
    if (state === "gone" && shown === void 0) {
      say(this.#title, "This group is not here");
      this.#end.hidden = true;
      return say(this.#said, "It has ended, or the server has started again.");
    }
    if (shown === void 0) return say(this.#title, "…");
    const isOver = state === "ended" || state === "gone";
    const now = isOver ? "ended" : shown.state;
    replace(this.#title, shown.subject ?? h("i", {}, "no subject"));
    say(this.#chip, now);
    this.#chip.className = `chip ${now}`;
    this.#end.hidden = isOver || shown.state === "closing" || shown.state === "closed";
    this.element.classList.toggle("stale", state === "lost");
    this.#drawFacts(shown, isOver);
    keyed(this.#seats, [...group2.seats.values()], ({ seat }) => String(seat), (seat) => this.#makeSeat(seat), (row, seat) => drawSeat(row, seat, isOver));
    const files = [...group2.transfers.values()];
    const running = new Set(isOver ? [] : shown.fileTransfers.map(({ id }) => id));
    this.#filesSection.hidden = files.length === 0;
    keyed(this.#files, files, ({ id }) => id, makeFile, (element, file) => drawFile(element, file, running.has(file.id), group2.machines.get(keyOf({ machine: "large-message", instance: file.id }))));
    this.#drawMachines();
    this.#ladder.draw();
  }
  #drawFacts({ identity, since, participants: counts, closed }, isOver) {
    const facts = [
      ["Age", isOver ? "over" : duration(this.#operator.now - Date.parse(since))],
      ["Participants", counted(counts)],
      ["Group Session Identity", identity],
      ...closed ? [["Closed", "nobody is added"]] : []
    ];
    keyed(this.#facts, facts, ([name]) => name, ([name]) => h("div", {}, h("dt", {}, name), h("dd", {})), (row, [, value]) => say(row.querySelector("dd"), value));
  }
  #makeSeat({ seat, uri }) {
    const remove = h("button", { type: "button", "aria-label": `Remove ${uri}`, onclick: () => void this.#onRemove(seat) }, "Remove");
    return h("tr", {}, h("td", {}, String(seat)), h("td", {}, h("span", { class: "name" }), h("span", { class: "uri" })), h("td", {}, h("span", { class: "chip" })), h("td", { class: "dialogs" }), h("td", {}, remove));
  }
  #drawMachines() {
    const machines = [...this.#group.machines.values()].toSorted((a, b) => Number(a.over) - Number(b.over));
    if (this.#chosen === void 0 || !this.#group.machines.has(this.#chosen)) this.#chosen = this.#group.machines.has(this.#wanted) ? this.#wanted : machines[0] && keyOf(machines[0]);
    keyed(this.#machines, machines, keyOf, (machine) => this.#makeMachine(machine), (button, machine) => {
      button.setAttribute("aria-pressed", String(keyOf(machine) === this.#chosen));
      button.classList.toggle("over", machine.over);
      say(button.querySelector(".name"), this.#nameOf(machine));
      say(button.querySelector(".says"), machine.over ? `over: ${leaves(machine.state)}` : leaves(machine.state));
    });
    this.#drawMachine();
  }
  #makeMachine(machine) {
    const key = keyOf(machine);
    const choose = () => {
      this.#chosen = key;
      this.#drawSoon();
    };
    return h("button", { type: "button", onclick: choose }, h("span", { class: "name" }), h("span", { class: "says" }));
  }
  #drawMachine() {
    const machine = this.#chosen === void 0 ? void 0 : this.#group.machines.get(this.#chosen);
    this.#machine.element.hidden = machine === void 0;
    if (machine !== void 0) this.#machine.draw(machine, this.#nameOf(machine));
  }
  #tick() {
    const { shown, state } = this.#group;
    if (shown === void 0 || state === "ended" || state === "gone") return;
    this.#drawFacts(shown, false);
    const machine = this.#chosen === void 0 ? void 0 : this.#group.machines.get(this.#chosen);
    if (machine !== void 0) this.#machine.tick(machine);
  }
  /** What a machine is about: instances are named after a seat, or after a transfer and its recipient. */
  #nameOf({ machine, instance }) {
    const [owner = "", part = ""] = instance.split(".");
    const person = () => userOf(this.#group.seats.get(Number(owner))?.uri ?? `seat ${owner}`);
    const transfer = this.#group.transfers.get(owner);
    const file = transfer?.file.name ?? "a file";
    switch (machine) {
      case "group-session":
        return "Group session";
      case "group-participant":
        return `Dialog with ${person()}`;
      case "conference-subscription":
        return `Subscription of ${person()}`;
      case "group-file-transfer":
        return `File transfer: ${file}`;
      case "large-message":
        return `Large message: ${file}`;
      case "large-message-sender":
        return `${file} from ${userOf(transfer?.sender.uri ?? "its sender")}`;
      case "large-message-recipient":
        return `${file} to ${userOf(transfer?.recipients[Number(part)]?.uri ?? `recipient ${part}`)}`;
      default:
        return `${machine} ${instance}`;
    }
  }
};
var userOf = (uri) => uri.replace(/^sips?:/, "");
var participants = (body) => h(
  "div",
  { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table of participants" },
  h("table", {}, h("thead", {}, h("tr", {}, ["Seat", "Participant", "Is", "Dialogs", ""].map((name) => name === "" ? h("td", {}) : h("th", { scope: "col" }, name)))), body)
);
function drawSeat(row, { uri, name, status, dialogs, joiningMethod, lastStatus }, isOver) {
  say(row.querySelector(".name"), name ?? "");
  say(row.querySelector(".uri"), uri);
  const chip = row.querySelector(".chip");
  chip.className = `chip ${isOver ? "" : status}`;
  say(chip, status);
  const says = dialogs.map(({ device, bound }) => `${device ?? "a device"}: ${bound ? "MSRP connected" : "no MSRP yet"}`);
  say(row.querySelector(".dialogs"), [...says, joiningMethod, ...lastStatus === null ? [] : [`last answered ${lastStatus}`]].join(", "));
  row.querySelector("button").hidden = isOver || !members.includes(status);
}
var makeFile = () => h("li", {}, h("span", { class: "name" }), h("span", { class: "says" }), h("progress", { max: 1 }), h("ul", { class: "recipients" }));
function drawFile(element, { file, sender, receivedOctets, recipients, state }, isRunning, machine) {
  const { name, type, octets: announced } = file;
  const total = announced ?? 0;
  const statuses = machine?.context?.recipients;
  const size2 = announced === null ? "" : ` of ${octets(announced)}`;
  const stands = isRunning ? `${octets(receivedOctets)}${size2} received, ${leaves(state)}` : `over${machine?.over === true ? `: ${leaves(machine.state)}` : ""}`;
  say(element.querySelector(".name"), name ?? "no name");
  say(element.querySelector(".says"), `${type ?? "no type"}, from ${userOf(sender.uri)}, ${stands}`);
  const progress = element.querySelector("progress");
  progress.hidden = !isRunning || total === 0;
  progress.setAttribute("aria-label", `received of ${name ?? "the file"}`);
  progress.value = total === 0 ? 0 : receivedOctets / total;
  keyed(element.querySelector(".recipients"), recipients, ({ uri }) => uri, () => h("li", {}), (item, { uri, status }) => say(item, `${userOf(uri)}: ${statuses?.[recipients.findIndex((one) => one.uri === uri)] ?? status}`));
}

// diagrams/live/client/link.ts
var waitsMs = [500, 1e3, 2e3, 4e3, 8e3, 15e3];
var Link = class {
  #changed;
  #lost;
  #failures = 0;
  /** Who waits to try again. */
  #waiting = /* @__PURE__ */ new Set();
  constructor(changed) {
    this.#changed = changed;
  }
  /** Since when there is no answer; undefined: there is. */
  get lost() {
    return this.#lost;
  }
  tryNow() {
    for (const go of [...this.#waiting]) go();
  }
  /** An answer came. */
  up() {
    this.#failures = 0;
    if (this.#lost === void 0) return;
    this.#lost = void 0;
    this.#changed();
    this.tryNow();
  }
  /**
   * Does it again and again, as long as `over` does not say so: so many milliseconds after the last time as `once` returns, and later
   * and later where the server does not answer. `undefined`: that was it.
   *
   * @throws {Refused} what the server refused, except that there is no room now
   */
  async repeat(over, once) {
    while (!over.aborted) {
      const ms = await once().catch((fault) => this.#failed(fault, over));
      if (ms === void 0) return;
      await this.#wait(ms, over);
    }
  }
  #failed(fault, over) {
    if (over.aborted) return void 0;
    if (fault instanceof Refused && fault.status === 503) return waitsMs[3];
    if (!(fault instanceof Unreachable)) throw fault;
    const known = this.#lost !== void 0 && this.#lost.nextTryAt > Date.now();
    if (!known) this.#failures += 1;
    const ms = known ? this.#lost.nextTryAt - Date.now() : waitsMs[Math.min(this.#failures, waitsMs.length) - 1];
    this.#lost = { since: this.#lost?.since ?? Date.now(), nextTryAt: Date.now() + ms };
    this.#changed();
    return ms;
  }
  /** A page that nobody sees asks for nothing. */
  async #wait(ms, over) {
    await new Promise((resolve) => {
      const go = () => {
        clearTimeout(timer2);
        this.#waiting.delete(go);
        resolve();
      };
      const timer2 = setTimeout(go, ms);
      this.#waiting.add(go);
      over.addEventListener("abort", go, { once: true });
    });
    while (document.hidden && !over.aborted) await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
  }
};

// diagrams/live/client/list-view.ts
var entriesAPage = 50;
var againMs3 = 2e3;
var typingMs = 250;
var groupStates = ["creating", "active", "idle", "closing", "closed"];
var ListView = class {
  element;
  #operator;
  #link;
  #search = h("input", { type: "search", id: "search", autocomplete: "off", spellcheck: "false", oninput: () => this.#onTyped() });
  #state = h("select", { id: "state", onchange: () => this.#restart() }, h("option", { value: "" }, "any state"), groupStates.map((state) => h("option", { value: state }, state)));
  #stateField = h("label", { class: "field", for: "state" }, "State", this.#state);
  #rows = h("ul", { class: "rows" });
  #count = h("p", { class: "count", role: "status" });
  #newer = h("button", { type: "button", onclick: () => this.#turn(-1) }, "Newer");
  #older = h("button", { type: "button", onclick: () => this.#turn(1) }, "Older");
  #tabs = { groups: h("a", { href: "#/groups" }, "Groups"), transfers: h("a", { href: "#/transfers" }, "File transfers") };
  #kind = "groups";
  #chosen;
  /** Where each page begins that was turned to; the first begins with the newest. */
  #begins = [void 0];
  #next = null;
  #typed;
  #over = new AbortController();
  constructor(operator2, link2) {
    this.#operator = operator2;
    this.#link = link2;
    this.element = h(
      "nav",
      { class: "list", "aria-label": "Groups and file transfers" },
      h("div", { class: "tabs" }, this.#tabs.groups, this.#tabs.transfers),
      h("div", { class: "asked" }, h("label", { class: "field grow", for: "search" }, "Search", this.#search), this.#stateField),
      this.#count,
      this.#rows,
      h("div", { class: "turn" }, this.#newer, this.#older)
    );
    this.#restart();
  }
  /** `chosen`: the group that is looked at. */
  show(kind, chosen2) {
    this.#chosen = chosen2;
    for (const [name, tab] of Object.entries(this.#tabs)) {
      if (name === kind) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    this.#stateField.hidden = kind !== "groups";
    for (const link2 of this.#rows.querySelectorAll("a")) mark(link2, chosen2);
    if (kind === this.#kind) return;
    this.#kind = kind;
    this.#rows.replaceChildren();
    this.#count.textContent = "";
    this.#restart();
  }
  #onTyped() {
    clearTimeout(this.#typed);
    this.#typed = setTimeout(() => this.#restart(), typingMs);
  }
  #turn(by) {
    if (by === 1 && this.#next !== null) this.#begins.push(this.#next);
    if (by === -1 && this.#begins.length > 1) this.#begins.pop();
    this.#ask();
  }
  #restart() {
    this.#begins = [void 0];
    this.#ask();
  }
  #ask() {
    this.#over.abort();
    this.#over = new AbortController();
    const { signal } = this.#over;
    const query = new URLSearchParams({ order: "newest", limit: String(entriesAPage) });
    const after = this.#begins.at(-1);
    if (after !== void 0) query.set("after", String(after));
    if (this.#search.value.trim() !== "") query.set("search", this.#search.value.trim());
    if (this.#kind === "groups" && this.#state.value !== "") query.set("state", this.#state.value);
    void this.#link.repeat(signal, async () => {
      const page = await read2[this.#kind](this.#operator, query);
      this.#link.up();
      if (!signal.aborted) this.#draw(page, query);
      return againMs3;
    }).catch((fault) => {
      if (!(fault instanceof Refused)) throw fault;
      this.#count.textContent = fault.message;
    });
  }
  #draw({ rows, total, next }, query) {
    this.#next = next;
    const before = (this.#begins.length - 1) * entriesAPage;
    const is = query.has("search") || query.has("state") ? "that match, of" : "of";
    const says = rows.length === 0 ? query.has("search") || query.has("state") ? `None of ${number(total)} matches.` : "None." : `${number(before + 1)} to ${number(before + rows.length)} ${is} ${number(total)}`;
    say(this.#count, says);
    this.#newer.disabled = before === 0;
    this.#older.disabled = next === null;
    keyed(this.#rows, rows, ({ id }) => id, () => h("li", {}, h("a", {})), (element, row) => this.#drawRow(element.querySelector("a"), row));
  }
  #drawRow(link2, { shows, title, state, says, since }) {
    const href = `#/${this.#kind}/${shows}`;
    if (link2.getAttribute("href") !== href) link2.setAttribute("href", href);
    mark(link2, this.#chosen);
    replace(link2, h("span", { class: "title" }, title), h("span", { class: `chip ${state}` }, state), h("span", { class: "says" }, says), h("span", { class: "age" }, duration(this.#operator.now - Date.parse(since))));
  }
};
function mark(link2, chosen2) {
  if (chosen2 !== void 0 && link2.getAttribute("href")?.split("/")[2] === chosen2) link2.setAttribute("aria-current", "true");
  else link2.removeAttribute("aria-current");
}
var read2 = {
  groups: async (operator2, query) => {
    const { groups, total, next } = await operator2.get(`/api/groups?${query}`);
    return { rows: groups.map(rowOfGroup), total, next };
  },
  transfers: async (operator2, query) => {
    const { transfers, total, next } = await operator2.get(`/api/transfers?${query}`);
    return { rows: transfers.map(rowOfTransfer), total, next };
  }
};
var rowOfGroup = ({ id, since, subject, state, participants: participants2, transfers }) => ({
  id,
  since,
  shows: id,
  title: subject ?? h("i", {}, "no subject"),
  state,
  says: `${counted(participants2)}${transfers > 0 ? `, ${transfers} file${transfers > 1 ? "s" : ""}` : ""}`
});
var rowOfTransfer = ({ id, since, group: group2, state, file, sender, receivedOctets }) => ({
  id,
  since,
  shows: `${group2}/${id}`,
  title: file.name ?? h("i", {}, "no name"),
  state: leaves(state),
  says: `from ${sender.uri}, ${octets(receivedOctets)}${file.octets === null ? "" : ` of ${octets(file.octets)}`}`
});

// diagrams/live/client/main.ts
var operator = new Operator(askForToken);
var pictures = new Pictures();
var link = new Link(showLink);
var banner = document.querySelector("#banner");
var lostWords = h("span", {});
var nextTry = h("span", { "aria-hidden": "true" });
banner.append(lostWords, nextTry, h("button", { type: "button", onclick: () => link.tryNow() }, "Try now"));
var chosen = document.querySelector("#chosen");
var nothing = h("p", { class: "nothing" }, "Choose a group or a file transfer to see its machines as they run.");
var lists = new ListView(operator, link);
document.querySelector("#lists").append(lists.element);
var group;
function route() {
  const [, kind = "", id = "", transfer] = location.hash.split("/");
  const asked = kind === "transfers" ? "transfers" : "groups";
  const wanted = id === "" ? void 0 : decodeURIComponent(id);
  lists.show(asked, wanted);
  document.body.classList.toggle("has-chosen", wanted !== void 0);
  if (group?.id !== wanted) {
    group?.view.close();
    group = wanted === void 0 ? void 0 : { id: wanted, view: new GroupView(wanted, operator, link, pictures) };
    replace(chosen, group?.view.element ?? nothing);
    group?.view.focus();
  }
  if (transfer !== void 0) group?.view.choose(keyOf({ machine: "group-file-transfer", instance: transfer }));
}
function showLink() {
  const { lost } = link;
  banner.hidden = lost === void 0;
  document.body.classList.toggle("lost", lost !== void 0);
  if (lost === void 0) return;
  say(lostWords, `No connection to the server since ${clockTime(lost.since)}. What is shown is as old as that.`);
  count();
}
function count() {
  const { lost } = link;
  if (lost !== void 0) say(nextTry, ` Next try in ${Math.max(0, Math.ceil((lost.nextTryAt - Date.now()) / 1e3))} s. `);
}
setInterval(count, 500);
var themes = ["light", "dark"];
var themeKey = "cpm-theme";
var theme = document.querySelector("#theme");
var wear = (name) => {
  if (themes.some((one) => one === name)) document.documentElement.dataset["theme"] = name;
};
wear(localStorage.getItem(themeKey));
theme.addEventListener("click", () => {
  const isDark = (document.documentElement.dataset["theme"] ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const next = isDark ? "light" : "dark";
  localStorage.setItem(themeKey, next);
  wear(next);
});
addEventListener("hashchange", route);
route();
