/* The page's behaviour: lanes of nights, filter, order, and a row's charts when it is opened. */
"use strict";

const DATA = JSON.parse(document.querySelector("#data").textContent);
const NIGHTS = DATA.nights.length, BENCHES = DATA.benches.length;
const COLOURS = {
  "NOT RUN": "#e3e7ea", PASS: "#a9d0bb", retried: "#e0c069", "NOT VERIFIED": "#5b7083", INCONCLUSIVE: "#a8750f", FLAKY: "#7a4f9e", FAIL: "#b3261e", ABORTED: "#8a4a26", BROKEN: "#33383d",
};
// A night's character is the place of its verdict, "r" a pass that took another attempt.
const verdict = sign => sign === "r" ? "retried" : DATA.verdicts[sign.charCodeAt(0) - 48];
const rank = sign => sign === "r" ? 1.5 : sign.charCodeAt(0) - 48;
const calm = sign => verdict(sign) === "PASS" || verdict(sign) === "NOT RUN";
const LINES = ["#1f5f8b", "#c2571a", "#3c7d3c", "#8a5aa8", "#a67c00", "#4f6d7a"];
const INK = "#56616b", GRID = "#eceff1", LEFT = 76, RIGHT = 32, PRINT_WIDTH = 660;
const WATCH_INK = "#a8750f", WARNING_INK = "#b3261e";
const plots = [];

// ---- Lanes

const CELL_MOST = 14;
const cellWidth = width => Math.min(width / NIGHTS, CELL_MOST);

function lanes(canvas, cells, lane, gap) {
  const width = canvas.parentElement.clientWidth, ratio = devicePixelRatio || 1, height = cells.length * (lane + gap) - gap;
  if (!width) return;
  canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio); canvas.style.height = height + "px";
  const ctx = canvas.getContext("2d"), step = cellWidth(width) * ratio, space = step > 5 ? ratio : 0;
  cells.forEach((text, bench) => {
    const top = Math.round(bench * (lane + gap) * ratio), high = Math.round(lane * ratio);
    const paint = (from, to, sign) => {
      const x = Math.floor(from * step);
      // A bad night stays visible, however many nights share a pixel.
      const least = calm(sign) ? 1 : 2 * ratio;
      ctx.fillStyle = COLOURS[verdict(sign)] || "#000"; ctx.fillRect(x, top, Math.max(Math.floor(to * step) - x - space, least), high);
    };
    const later = [];
    for (let n = 0; n < NIGHTS;) {
      let end = n + 1;
      if (!space) while (end < NIGHTS && text[end] === text[n]) end++;
      if (text[n] !== ".") { if (calm(text[n])) paint(n, end, text[n]); else later.push([n, end, text[n]]); }
      n = end;
    }
    later.sort((a, b) => rank(a[2]) - rank(b[2])).forEach(at => paint(...at));
  });
}

function axis() {
  const canvas = document.querySelector("#axis"), width = canvas.parentElement.clientWidth, ratio = devicePixelRatio || 1;
  if (!width) return;
  canvas.width = width * ratio; canvas.height = 14 * ratio; canvas.style.height = "14px";
  const ctx = canvas.getContext("2d"), step = cellWidth(width);
  ctx.scale(ratio, ratio); ctx.font = "10px sans-serif"; ctx.fillStyle = INK;
  let free = -1;
  DATA.nights.forEach((night, n) => {
    const x = n * step, month = night.slice(0, 7), first = n === 0 || DATA.nights[n - 1].slice(0, 7) !== month;
    const text = NIGHTS > 45 ? month : night.slice(5, 10);
    if ((NIGHTS > 45 && !first) || x < free || x + ctx.measureText(text).width > width) return;
    ctx.fillRect(x, 11, 1, 3); ctx.fillText(text, x + 2, 9); free = x + ctx.measureText(text).width + 10;
  });
}

// What is shown, and was not drawn at this width.
function drawRows() {
  for (const row of rows) if (!row.hidden && row.drawnAt !== list.clientWidth) {
    lanes(row.querySelector("canvas"), DATA.rows[row.dataset.n].cells, BENCHES > 4 ? 3 : BENCHES > 1 ? 5 : 11, 1);
    row.drawnAt = list.clientWidth;
  }
}

// ---- Filter and order

const list = document.querySelector("#rows"), rows = [...list.children];
const buttons = [...document.querySelectorAll(".filter button[data-show]")];
const area = document.querySelector("#area"), words = document.querySelector("#words"), order = document.querySelector("#order");

function filter() {
  const shown = new Set(buttons.filter(b => b.ariaPressed === "true").map(b => b.dataset.show));
  const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const row of rows) {
    const fits = shown.has(row.dataset.verdict) && (!area.value || row.dataset.area === area.value)
      && wanted.every(word => row.dataset.text.includes(word));
    row.hidden = !fits;
    count += fits;
  }
  document.querySelector("#count").value = count + " of " + rows.length;
  drawRows();
}
for (const button of buttons) button.addEventListener("click", event => {
  const on = button.ariaPressed === "true";
  // With the modifier, or on a double click: this one alone.
  if (event.altKey || event.detail > 1) for (const each of buttons) each.ariaPressed = String(each === button);
  else button.ariaPressed = String(!on);
  filter();
});
area.addEventListener("change", filter);
words.addEventListener("input", filter);
document.addEventListener("keydown", event => {
  if (event.key === "/" && document.activeElement !== words) { event.preventDefault(); words.focus(); }
});
const KEYS = {
  id: () => 0, flips: row => -parseFloat(row.dataset.flips || -1), first: row => parseFloat(row.dataset.first || 101),
  alarm: row => ["warning", "watch", ""].indexOf(row.dataset.alarm),
};
order.addEventListener("change", () => {
  const key = KEYS[order.value];
  list.append(...[...rows].sort((a, b) => key(a) - key(b) || a.dataset.n - b.dataset.n));
});

// ---- A row's page

function element(parent, tag, style, text) {
  const made = document.createElement(tag);
  if (style) made.className = style;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}
const percent = share => share == null ? "" : Math.round(1000 * share) / 10 + " %";

function open(row) {
  const body = row.querySelector(".body"), data = DATA.rows[row.dataset.n];
  if (body.dataset.made) return;
  body.dataset.made = "yes";
  element(body, "p", "claim", row.querySelector(".says").textContent);
  const holder = element(body, "div", "lanes"), names = element(holder, "div", "lane-names");
  DATA.benches.forEach(bench => element(names, "span", "", bench));
  const canvas = element(holder, "canvas"), says = element(body, "div", "says-at", "Point at a night.");
  const paint = () => lanes(canvas, data.cells, 14, 2);
  paint(); body.paint = paint;
  canvas.addEventListener("mousemove", event => {
    const bench = Math.min(Math.floor(event.offsetY / 16), BENCHES - 1), night = Math.floor(event.offsetX / cellWidth(holder.clientWidth));
    const run = night < NIGHTS && DATA.runs[bench][night];
    says.textContent = run ? [DATA.nights[night], DATA.benches[bench], worded(data.cells[bench][night]), "on " + run[1], run[0] + (run[2] ? "" : ", cut off") + (run[3] ? ", " + run[3] : "")].join(" \u00b7 ") : "no run";
  });
  ratesTable(body, data);
  charts(body, data);
  failuresTable(body, data);
}
const worded = sign => sign === "r" ? "PASS, but not at the first attempt" : sign === "." ? "no such row" : verdict(sign);

function table(parent, titles, lines, style) {
  const made = element(parent, "table", style), head = element(element(made, "thead"), "tr"), body = element(made, "tbody");
  titles.forEach(([title, of]) => element(head, "th", of === "r" ? "r" : "", title));
  for (const line of lines) { const tr = element(body, "tr"); line.forEach((text, n) => element(tr, "td", titles[n][1], text)); }
}
function ratesTable(body, data) {
  element(body, "h3", "", "All " + NIGHTS + " nights");
  table(body, [["Bench", ""], ["Nights run", "r"], ["Flip rate", "r"], ["Passed at the first attempt", "r"]],
    data.whole.map(([flips, first, ran], bench) => [DATA.benches[bench], String(ran), percent(flips), percent(first)]), "rates");
}
function failuresTable(body, data) {
  if (!data.failures.length) return;
  element(body, "h3", "", "Last failures");
  table(body, [["Night", "nw"], ["Bench", "nw"], ["Verdict", "nw"], ["Reason", ""], ["Run", "mono soft"]],
    [...data.failures].sort((a, b) => b[1] - a[1]).map(([bench, night, verdict, reason]) => [DATA.nights[night], DATA.benches[bench], verdict, reason, DATA.runs[bench][night][0]]));
}

// ---- Charts

const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
const floats = text => Array.from(new Float32Array(bytes(text).buffer), v => Number.isNaN(v) ? null : v);

function charts(body, data) {
  const groups = new Map();
  for (const s of data.series) { const key = s.test + "\n" + s.name; groups.set(key, [...(groups.get(key) || []), s]); }
  for (const group of groups.values()) chart(body, group);
}

function chart(body, group) {
  element(body, "h3", "", group[0].name + (group[0].unit ? ", " + group[0].unit : ""));
  element(body, "p", "claim soft", group[0].test.replace(/^test_/, "").replace(/_/g, " "));
  const drawn = group.map(s => ({ ...s, v: floats(s.values), sums: Array.from(bytes(s.sums), n => n * DATA.step), colour: LINES[s.bench % LINES.length] }));
  const box = element(body, "div", "strip"), legend = element(box, "div", "legend"), shows = [];
  for (const s of drawn) {
    const one = element(legend, "span"); one.style.setProperty("--s", s.colour);
    element(one, "i"); one.append(DATA.benches[s.bench]); shows.push(element(one, "b", "", ""));
  }
  const says = element(legend, "span", "soft", "");
  const all = drawn.flatMap(s => s.v.filter(v => v != null)), limits = drawn[0].limits;
  const known = limits.flatMap(l => [l[1], l[2]]).filter(v => v != null);
  const low = Math.min(...all, ...known), high = Math.max(...all, ...known), room = (high - low || Math.abs(high) || 1) * 0.06;
  const x = DATA.nights.map((_, n) => n), key = group[0].name + group[0].test + plots.length;
  const shared = { key, cursor: n => {
    drawn.forEach((s, at) => { shows[at].textContent = n == null || s.v[n] == null ? "" : +s.v[n].toPrecision(6) + " " + s.unit; });
    says.textContent = n == null ? "" : DATA.nights[n];
  } };
  plot(body, box, shared, { height: 150, low: low - room, high: high + room, label: v => String(+v.toPrecision(6)), data: [x, ...drawn.map(s => s.v)], drawn,
    under: u => limitLines(u, limits), over: u => drawn.forEach(s => s.alarm && alarmMark(u, s)) });
  plot(body, element(body, "div", "strip"), shared, { height: 62, low: 0, high: Math.max(DATA.warning * 1.35, ...drawn.flatMap(s => s.sums)), label: v => v === 0 ? "drift" : "", bottom: true,
    data: [x, ...drawn.map(s => s.sums.map((sum, n) => s.v[n] == null ? null : sum))], drawn,
    under: u => { level(u, DATA.watch, WATCH_INK, "watch"); level(u, DATA.warning, WARNING_INK, "warning"); } });
  for (const s of drawn) if (s.alarm) {
    const line = element(body, "div", "moved " + s.alarm.level);
    element(line, "b", "", s.alarm.level); line.append(" " + DATA.benches[s.bench] + ": " + s.alarm.says);
  }
}

function plot(body, holder, shared, made) {
  const u = new uPlot({
    width: width(holder), height: made.height + (made.bottom ? 26 : 0), padding: [6, RIGHT, made.bottom ? 0 : 2, 0], legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false }, sync: { key: shared.key, scales: ["x", null] } },
    scales: { x: { time: false, range: (u, a, b) => a === b ? [a - 1, b + 1] : [a, b] }, y: { range: [made.low, made.high] } },
    axes: [
      { stroke: INK, size: made.bottom ? 24 : 0, grid: { stroke: GRID, width: 1 }, ticks: { show: !!made.bottom, stroke: GRID, size: 4 }, font: "11px sans-serif", gap: 3, space: 90, incrs: [1, 2, 5, 7, 14, 30, 60, 90, 180],
        values: (u, at) => at.map(n => made.bottom && DATA.nights[n] ? DATA.nights[n].slice(0, 10) : "") },
      { stroke: INK, size: LEFT, grid: { stroke: GRID, width: 1 }, ticks: { show: false }, font: "11px sans-serif", gap: 6, space: 26, values: (u, at) => at.map(made.label) },
    ],
    series: [{}, ...made.drawn.map(s => ({ stroke: s.colour, width: made.bottom ? 1.2 : 1, spanGaps: true, pxAlign: 0, points: { show: !made.bottom && s.v.length < 100, size: 4 } }))],
    hooks: { drawClear: made.under ? [made.under] : [], draw: made.over ? [made.over] : [], setCursor: [u => shared.cursor(u.cursor.idx)] },
  }, made.data, holder);
  plots.push({ u, holder });
}

function width(holder) { return matchMedia("print").matches ? PRINT_WIDTH : holder.clientWidth; }

function inside(u, paint) {
  const { ctx, bbox } = u;
  ctx.save(); ctx.beginPath(); ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height); ctx.clip(); paint(ctx, bbox, devicePixelRatio); ctx.restore();
}
function limitLines(u, limits) {
  inside(u, (ctx, box, r) => limits.forEach(([from, low, high], n) => {
    const left = n === 0 ? box.left : u.valToPos(from - 0.5, "x", true), right = n + 1 < limits.length ? u.valToPos(limits[n + 1][0] - 0.5, "x", true) : box.left + box.width;
    const top = high == null ? box.top : u.valToPos(high, "y", true), foot = low == null ? box.top + box.height : u.valToPos(low, "y", true);
    ctx.fillStyle = "rgba(47,125,91,.05)"; ctx.fillRect(left, top, right - left, foot - top);
    ctx.strokeStyle = "#6fa88c"; ctx.lineWidth = r; ctx.setLineDash([5 * r, 4 * r]);
    for (const [v, y] of [[high, top], [low, foot]]) if (v != null) { ctx.beginPath(); ctx.moveTo(left, y); ctx.lineTo(right, y); ctx.stroke(); }
  }));
}
function alarmMark(u, s) {
  inside(u, (ctx, box, r) => {
    const x = u.valToPos(s.alarm.since, "x", true), y = u.valToPos(s.alarm.before, "y", true);
    ctx.fillStyle = s.alarm.level === "warning" ? "rgba(179,38,30,.06)" : "rgba(168,117,15,.07)"; ctx.fillRect(x, box.top, box.left + box.width - x, box.height);
    ctx.strokeStyle = s.colour; ctx.lineWidth = r; ctx.setLineDash([2 * r, 3 * r]); ctx.beginPath(); ctx.moveTo(box.left, y); ctx.lineTo(box.left + box.width, y); ctx.stroke();
  });
}
function level(u, at, ink, name) {
  inside(u, (ctx, box, r) => {
    const y = u.valToPos(at, "y", true);
    ctx.strokeStyle = ctx.fillStyle = ink; ctx.lineWidth = r; ctx.setLineDash([3 * r, 3 * r]); ctx.beginPath(); ctx.moveTo(box.left, y); ctx.lineTo(box.left + box.width, y); ctx.stroke();
    ctx.font = 10 * r + "px sans-serif"; ctx.fillText(name, box.left + 3 * r, y - 3 * r);
  });
}

// ---- Opening and size

function openFromAddress() {
  const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!row || row.tagName !== "DETAILS") return;
  row.hidden = false; drawRows(); row.open = true; row.scrollIntoView();
}
document.addEventListener("toggle", event => { if (event.target.matches?.("details.row") && event.target.open) open(event.target); }, true);
addEventListener("hashchange", openFromAddress);

let wide = list.clientWidth;
new ResizeObserver(() => {
  if (list.clientWidth === wide) return;
  wide = list.clientWidth;
  axis(); drawRows();
  for (const row of rows) if (row.open) row.querySelector(".body").paint?.();
  for (const { u, holder } of plots) if (width(holder)) u.setSize({ width: width(holder), height: u.height });
}).observe(list);
addEventListener("beforeprint", () => { plots.forEach(({ u }) => u.setSize({ width: PRINT_WIDTH, height: u.height })); });

axis();
filter();
openFromAddress();
document.documentElement.dataset.readyMs = Math.round(performance.now());
