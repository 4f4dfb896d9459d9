/* The page's behaviour: choose signals, draw a panel a unit on one time axis, go to an event. */
"use strict";

const LOG = JSON.parse(document.querySelector("#log-data").textContent);
const COLOURS = ["#1f5f8b", "#c2571a", "#3c7d3c", "#8a5aa8", "#a67c00", "#4f6d7a", "#b0476b", "#2a8f8f"];
const LANE = { alarm: "#b3261e", state: "#8b969f", command: "#1f5f8b", bus: "#a67c00" };
const EVENTS_DRAWN = 300;
const STEPS = [.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];
const panels = document.querySelector("#panels"), list = document.querySelector("#signals");
const whole = [0, Math.max(LOG.duration_s, 1e-3)];
let range = [...whole], plots = [];

function column(text) {
  const raw = atob(text), bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return new Float64Array(bytes.buffer);
}

// ---- The list

const boxes = LOG.signals.map((signal, index) => {
  const label = document.createElement("label"), box = document.createElement("input");
  box.type = "checkbox"; box.checked = signal.shown;
  box.addEventListener("change", draw);
  const name = document.createElement("span"), note = document.createElement("small");
  name.textContent = signal.name;
  note.textContent = signal.low === null ? "not available"
    : signal.low === signal.high ? short(signal.low) + " " + signal.unit
    : short(signal.low) + " … " + short(signal.high) + " " + signal.unit;
  label.append(box, name, note);
  label.classList.toggle("still", signal.samples < 2);
  return { label, box, signal, text: (signal.bus + " " + signal.who + " " + signal.name).toLowerCase() };
});
const heads = new Map();
for (const each of boxes) {
  const key = "bus " + each.signal.bus + (each.signal.who ? ", " + each.signal.who : "");
  if (!heads.has(key)) {
    const head = document.createElement("h3");
    head.textContent = key;
    list.append(head);
    heads.set(key, { head, boxes: [] });
  }
  heads.get(key).boxes.push(each);
  list.append(each.label);
}
document.querySelector("#find").addEventListener("input", event => {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const { head, boxes: own } of heads.values()) {
    for (const each of own) each.label.hidden = !words.every(word => each.text.includes(word));
    head.hidden = own.every(each => each.label.hidden);
  }
});
document.querySelector("#none").addEventListener("click", () => {
  for (const each of boxes) each.box.checked = false;
  draw();
});

function short(value) { return String(+value.toPrecision(6)); }

// ---- The panels

function draw() {
  for (const plot of plots) plot.destroy();
  panels.textContent = ""; plots = [];
  const groups = new Map();
  for (const { box, signal } of boxes) if (box.checked) {
    if (!groups.has(signal.panel)) groups.set(signal.panel, []);
    groups.get(signal.panel).push(signal);
  }
  for (const [name, signals] of groups) panel(name, signals);
  if (!groups.size) panels.textContent = "Nothing is chosen.";
}

function panel(name, signals) {
  const part = document.createElement("div"), head = document.createElement("h3");
  part.className = "panel"; head.textContent = name;
  part.append(head); panels.append(part);
  const tables = signals.map(signal => {
    signal.times ??= column(signal.t); signal.values ??= column(signal.v);
    return [[...signal.times], [...signal.values].map(v => Number.isNaN(v) ? null : v)];
  });
  for (const table of tables) once(table);
  const series = signals.map((signal, index) => ({
    label: (signal.who ? signal.who + " " : "") + signal.name,
    stroke: COLOURS[index % COLOURS.length], width: 1.3, points: { show: false },
    paths: uPlot.paths.stepped({ align: 1 }),
    value: (plot, value, place, at) => said(signal, at),
  }));
  plots.push(new uPlot({
    width: part.clientWidth, height: name === "codes" || name === "counts" ? 150 : 210,
    cursor: { sync: { key: "log" }, drag: { x: true, y: false } },
    scales: { x: { time: false, min: range[0], max: range[1] } },
    axes: [{ grid: { stroke: "#eceff1" }, stroke: "#56616b", incrs: STEPS, values: (p, ticks) => ticks.map(clock) },
           { grid: { stroke: "#eceff1" }, stroke: "#56616b", size: 64 }],
    series: [{ label: "time", value: (p, v) => v === null ? "–" : v.toFixed(3) + " s" }, ...series],
    hooks: { draw: [events], setScale: [(plot, key) => key === "x" && follow(plot)] },
  }, tables.length > 1 ? uPlot.join(tables) : tables[0], part));
}

function once(table) {
  // Two values of one instant: the axis needs them apart.
  const times = table[0];
  for (let i = 1; i < times.length; i++) if (times[i] <= times[i - 1]) times[i] = times[i - 1] + 1e-6;
}

function said(signal, at) {
  // A bus tells a value when it changes: until then the last one stands.
  const plot = plots[0];
  const t = at === null || at === undefined || !plot ? null : plot.posToVal(plot.cursor.left, "x");
  if (t === null || !(t >= signal.times[0])) return "–";
  let low = 0, high = signal.times.length - 1;
  while (low < high) { const m = (low + high + 1) >> 1; if (signal.times[m] <= t) low = m; else high = m - 1; }
  const value = signal.values[low];
  if (Number.isNaN(value)) return "not available";
  return signal.labels[String(value)] ?? short(value) + (signal.unit ? " " + signal.unit : "");
}

function clock(seconds) {
  const span = range[1] - range[0];
  if (LOG.duration_s < 600 || span < 60) return String(+seconds.toFixed(3));
  const h = Math.floor(seconds / 3600), m = Math.floor(seconds / 60) % 60, s = Math.floor(seconds % 60);
  return h + ":" + String(m).padStart(2, "0") + (span < 7200 ? ":" + String(s).padStart(2, "0") : "");
}

function events(plot) {
  const { ctx, bbox } = plot, seen = LOG.events.filter(e => e[0] >= range[0] && e[0] <= range[1]);
  if (seen.length > EVENTS_DRAWN) return;
  ctx.save(); ctx.globalAlpha = .45; ctx.lineWidth = devicePixelRatio;
  for (const [t, lane] of seen) {
    const x = Math.round(plot.valToPos(t, "x", true)) + .5;
    ctx.strokeStyle = LANE[lane]; ctx.beginPath(); ctx.moveTo(x, bbox.top); ctx.lineTo(x, bbox.top + bbox.height); ctx.stroke();
  }
  ctx.restore();
}

let following = false;
function follow(source) {
  if (following) return;
  const { min, max } = source.scales.x;
  if (min === range[0] && max === range[1]) return;
  if (!(max > min)) return;
  show(min, max);
}
function show(min, max) {
  following = true;
  range = [min, max];
  for (const plot of plots) plot.setScale("x", { min, max });
  following = false;
}

// ---- Events

document.querySelector("#events")?.addEventListener("click", event => {
  const row = event.target.closest("tr[data-t]");
  if (!row) return;
  const t = +row.dataset.t, half = Math.min(Math.max(LOG.duration_s / 200, 2), 60);
  show(t - half, t + half);
  panels.scrollIntoView({ block: "start", behavior: "smooth" });
});
document.querySelector("#all").addEventListener("click", () => show(...whole));
panels.addEventListener("dblclick", () => show(...whole));
addEventListener("resize", () => { for (const plot of plots) plot.setSize({ width: plot.root.parentElement.clientWidth, height: plot.height }); });
draw();
document.documentElement.dataset.panels = plots.length;
