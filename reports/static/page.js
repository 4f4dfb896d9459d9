/* The page's behaviour: filter, open by address, local times, and a plot when a row is opened. */
"use strict";

const INK = "#56616b", GRID = "#eceff1";
const COLOURS = ["#1f5f8b", "#c2571a", "#3c7d3c", "#8a5aa8", "#a67c00", "#4f6d7a"];
const LANES = ["expectation", "CAN", "digital", "bench"];
const OUTCOME = { met: "#2f7d5b", unmet: "#b3261e" };
const LEFT = 58, RIGHT = 14, PRINT_WIDTH = 660;
const plots = [];

// ---- Filter

const rows = [...document.querySelectorAll("[data-verdict]")];
const buttons = [...document.querySelectorAll(".filter button[data-show]")];
const area = document.querySelector("#area"), words = document.querySelector("#words");

function filter() {
  const shown = new Set(buttons.filter(b => b.ariaPressed === "true").map(b => b.dataset.show));
  const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const row of rows) {
    const text = row.dataset.text;
    const fits = shown.has(row.dataset.verdict) && (!area.value || row.dataset.area === area.value)
      && wanted.every(word => text.includes(word));
    row.hidden = !fits;
    count += fits;
  }
  for (const part of document.querySelectorAll("section.part"))
    part.hidden = !part.querySelector("[data-verdict]:not([hidden])");
  document.querySelector("#count").value = count + " of " + rows.length;
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

// ---- Opening

function openFromAddress() {
  const id = decodeURIComponent(location.hash.slice(1));
  const row = id && document.getElementById(id);
  if (!row) return;
  row.hidden = false;
  for (let part = row.parentElement; part; part = part.parentElement) part.hidden = false;
  if (row.tagName === "DETAILS") row.open = true;
  row.scrollIntoView();
}
document.addEventListener("toggle", event => {
  if (event.target.matches?.("details.row") && event.target.open) draw(event.target);
}, true);
addEventListener("hashchange", openFromAddress);

for (const time of document.querySelectorAll("time[datetime]")) {
  const instant = new Date(time.dateTime);
  const two = n => String(n).padStart(2, "0");
  const minutes = -instant.getTimezoneOffset(), far = Math.abs(minutes);
  const offset = (minutes < 0 ? "\u2212" : "+") + two(Math.floor(far / 60)) + ":" + two(far % 60);
  const here = document.createElement("span");
  here.className = "soft";
  here.textContent = " \u00b7 " + two(instant.getHours()) + ":" + two(instant.getMinutes()) + " here (" + offset + ")";
  time.after(here);
}

// ---- Plot

function floats(text) {
  const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  return Array.from(new Float32Array(bytes.buffer), v => Number.isNaN(v) ? null : v);
}

function element(parent, tag, style, text) {
  const made = document.createElement(tag);
  if (style) made.className = style;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

function draw(row) {
  const holder = row.querySelector(".plot"), source = row.querySelector("script.data");
  if (!holder || !source || holder.dataset.drawn) return;
  holder.dataset.drawn = "yes";
  const plot = JSON.parse(source.textContent);
  const signals = plot.signals.map(s => ({ ...s, t: floats(s.t), v: floats(s.v) }));
  const ends = [...signals.flatMap(s => [s.t[0], s.t.at(-1)]), ...plot.marks.map(m => m.t)];
  if (!ends.length) return;
  let [first, last] = [Math.min(...ends), Math.max(...ends)];
  if (first === last) last = first + 1;
  // A bus tells a value when it changes: the last one stands to the end.
  for (const s of signals) if (s.held && s.kind !== "digital" && s.v.length) { s.t.push(last); s.v.push(s.v.at(-1)); }
  const whole = { first: first - (last - first) * 0.005, last: last + (last - first) * 0.005 };
  const analog = byUnit(signals.filter(s => s.kind !== "digital"));
  const digital = signals.filter(s => s.kind === "digital");
  const lanes = LANES.filter(lane => plot.marks.some(mark => mark.lane === lane));
  const shared = { plot, whole, key: row.id, holder, strips: [], zoomed: false };
  // Before the plot's own listener, which asks for the range.
  holder.addEventListener("dblclick", () => { shared.zoomed = false; }, true);
  let colour = 0;
  for (const [unit, group] of analog) {
    group.forEach(s => { s.colour = COLOURS[colour++ % COLOURS.length]; });
    analogStrip(shared, unit, group);
  }
  digital.forEach(s => { s.colour = COLOURS[colour++ % COLOURS.length]; });
  if (digital.length) digitalStrip(shared, digital);
  if (lanes.length) laneStrip(shared, lanes);
  shared.strips.forEach((make, n) => make(n === shared.strips.length - 1));
  shared.says = element(holder, "div", "says-at", plot.note || "Drag to zoom, double click for the whole.");
}

function byUnit(signals) {
  const groups = new Map();
  for (const s of signals) groups.set(s.unit, [...(groups.get(s.unit) || []), s]);
  return groups;
}

function width(holder) { return matchMedia("print").matches ? PRINT_WIDTH : holder.clientWidth; }

function options(shared, bottom, height, more) {
  return {
    width: width(shared.holder), height: height + (bottom ? 34 : 8), padding: [6, RIGHT, bottom ? 0 : 4, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false }, sync: { key: shared.key, scales: ["x", null] } },
    // Only a zoom sets the range; else the whole attempt is shown, the same on every strip.
    scales: { x: { time: false, range: (u, low, high) => low == null || !shared.zoomed ? [shared.whole.first, shared.whole.last] : [low, high] }, ...more.scales },
    axes: [
      { show: true, stroke: INK, size: bottom ? 30 : 0, grid: { stroke: GRID, width: 1 }, ticks: { show: bottom, stroke: GRID, size: 4 },
        values: (u, at) => at.map(v => bottom ? String(+v.toPrecision(10)) + (v === at.at(-1) ? " s" : "") : ""), font: "11px sans-serif", gap: 3 },
      { stroke: INK, size: LEFT, grid: { stroke: GRID, width: 1 }, ticks: { show: false }, font: "11px sans-serif", gap: 6, ...more.axis },
    ],
    series: [{}, ...more.series],
    hooks: {
      setSelect: [u => { shared.zoomed = u.select.width > 0; }],
      drawClear: more.under || [],
      drawAxes: [u => claimLines(u, shared.plot.marks)],
      draw: more.over || [],
      setCursor: [u => more.cursor?.(u)],
    },
  };
}

function place(shared, holder, opts, data) {
  const u = new uPlot(opts, data, holder);
  u.over.addEventListener("mouseleave", () => { if (shared.says) shared.says.textContent = shared.plot.note || ""; });
  plots.push({ u, holder: shared.holder });
}

function analogStrip(shared, unit, group) {
  shared.strips.push(bottom => {
    const box = element(shared.holder, "div", "strip"), legend = element(box, "div", "legend"), shows = [];
    for (const s of group) {
      const one = element(legend, "span"); one.style.setProperty("--s", s.colour);
      element(one, "i"); one.append(s.name); shows.push(element(one, "b", "", ""));
    }
    element(legend, "span", "soft", unit);
    const names = new Set(group.map(s => s.name));
    const values = group.flatMap(s => s.v.filter(v => v != null));
    const own = [Math.min(...extremes(values)), Math.max(...extremes(values))];
    const limits = shared.plot.limits.filter(l => l.unit === unit && (names.has(l.signal) || !l.signal));
    const named = limits.filter(l => names.has(l.signal)), loose = limits.filter(l => unit && !l.signal && near(l, own));
    const reach = [...own, ...[...named, ...loose].flatMap(l => [l.low, l.high, l.value]).filter(v => v != null)];
    const low = Math.min(...reach), high = Math.max(...reach), room = (high - low || Math.abs(high) || 1) * 0.08;
    const data = group.length === 1 ? [group[0].t, group[0].v] : uPlot.join(group.map(s => [s.t, s.v]), group.map(() => [1, 2]));
    place(shared, box, options(shared, bottom, 132, {
      scales: { y: { range: [low - room, high + room] } },
      series: group.map(s => ({ stroke: s.colour, width: 1.4, pxAlign: 0, points: { show: s.v.length < 40, size: 4 }, ...(s.held ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}) })),
      axis: { values: (u, at) => at.map(v => String(+v.toPrecision(8))), space: 26 },
      under: [u => named.forEach(l => band(u, l))],
      over: [u => loose.forEach(l => bracket(u, l))],
      cursor: u => shows.forEach((b, n) => {
        const at = u.cursor.idx == null ? null : nearest(group[n], u.posToVal(u.cursor.left, "x"));
        b.textContent = at == null ? "" : +at.toPrecision(6) + " " + unit;
      }),
    }), data);
  });
}

function digitalStrip(shared, group) {
  shared.strips.push(bottom => {
    const box = element(shared.holder, "div", "strip"), legend = element(box, "div", "legend"), shows = [];
    group.forEach((s, n) => {
      const one = element(legend, "span"); one.style.setProperty("--s", s.colour);
      element(one, "i"); one.append(s.name); shows.push(element(one, "b", "", ""));
      // A digital signal keeps its level until something changes it.
      s.t.push(shared.whole.last); s.v.push(s.v.at(-1));
      s.level = s.v.map(v => v == null ? null : group.length - 1 - n + (v ? 0.8 : 0.15));
    });
    const data = group.length === 1 ? [group[0].t, group[0].level] : uPlot.join(group.map(s => [s.t, s.level]), group.map(() => [1, 2]));
    place(shared, box, options(shared, bottom, 12 + 22 * group.length, {
      scales: { y: { range: [0, group.length] } },
      series: group.map(s => ({ stroke: s.colour, width: 1.6, points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }) })),
      axis: { splits: () => group.map((_, n) => n + 0.15), values: () => group.map(() => "") },
      cursor: u => shows.forEach((b, n) => {
        const at = u.cursor.idx == null ? null : before(group[n], u.posToVal(u.cursor.left, "x"));
        b.textContent = at == null ? "" : String(+at);
      }),
    }), data);
  });
}

function laneStrip(shared, lanes) {
  shared.strips.push(bottom => {
    const box = element(shared.holder, "div", "strip"), marks = shared.plot.marks;
    const height = 20 * lanes.length;
    place(shared, box, options(shared, bottom, height + 4, {
      scales: { y: { range: [0, lanes.length] } },
      series: [{ show: false }],
      axis: { splits: () => lanes.map((_, n) => lanes.length - n - 0.5), values: () => lanes.map(l => l === "expectation" ? "expected" : l), grid: { show: false } },
      over: [u => marks.forEach(mark => tick(u, mark, lanes))],
      cursor: u => {
        if (u.cursor.left < 0 || !shared.says) return;
        const at = u.posToVal(u.cursor.left, "x"), reach = u.posToVal(8, "x") - u.posToVal(0, "x");
        const close = marks.filter(m => Math.abs(m.t - at) <= reach).sort((a, b) => Math.abs(a.t - at) - Math.abs(b.t - at)).slice(0, 3);
        shared.says.textContent = "t = " + at.toFixed(3) + " s" + close.map(m => "  \u00b7  " + m.t.toFixed(3) + " s " + (m.outcome || m.lane) + ": " + m.text).join("");
      },
    }), [[shared.whole.first, shared.whole.last], [null, null]]);
  });
}

function extremes(values) {
  // Spread over many thousand arguments would overflow the stack.
  let low = Infinity, high = -Infinity;
  for (const v of values) { if (v < low) low = v; if (v > high) high = v; }
  return low > high ? [0, 1] : [low, high];
}

// A measurement of the same unit may be of quite another quantity: it is drawn where it does not squash the curve.
function near(limit, [low, high]) {
  const span = (high - low) || Math.abs(high) || 1;
  return [limit.value, limit.low, limit.high].every(v => v == null || (v >= low - span && v <= high + span));
}

function nearest(signal, at) {
  let low = 0, high = signal.t.length - 1;
  while (high - low > 1) { const mid = (low + high) >> 1; if (signal.t[mid] <= at) low = mid; else high = mid; }
  return at - signal.t[low] <= signal.t[high] - at ? signal.v[low] : signal.v[high];
}

function before(signal, at) {
  let n = signal.t.length - 1;
  while (n > 0 && signal.t[n] > at) n--;
  return signal.v[n];
}

function inside(u, paint) {
  const { ctx, bbox } = u;
  ctx.save(); ctx.beginPath(); ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height); ctx.clip(); paint(ctx, bbox); ctx.restore();
}

function claimLines(u, marks) {
  inside(u, (ctx, box) => {
    for (const mark of marks) if (mark.outcome) {
      const x = u.valToPos(mark.t, "x", true);
      ctx.globalAlpha = mark.outcome === "met" ? 0.28 : 0.85;
      ctx.fillStyle = OUTCOME[mark.outcome]; ctx.fillRect(Math.round(x), box.top, devicePixelRatio, box.height);
    }
  });
}

function band(u, limit) {
  inside(u, (ctx, box) => {
    const top = limit.high == null ? box.top : u.valToPos(limit.high, "y", true);
    const foot = limit.low == null ? box.top + box.height : u.valToPos(limit.low, "y", true);
    ctx.fillStyle = "rgba(47,125,91,.06)"; ctx.fillRect(box.left, top, box.width, foot - top);
    ctx.strokeStyle = "#6fa88c"; ctx.lineWidth = devicePixelRatio; ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
    for (const y of [limit.high, limit.low]) if (y != null) { const at = u.valToPos(y, "y", true); ctx.beginPath(); ctx.moveTo(box.left, at); ctx.lineTo(box.left + box.width, at); ctx.stroke(); }
  });
}

function bracket(u, limit) {
  inside(u, (ctx, box) => {
    const r = devicePixelRatio, x = u.valToPos(limit.t, "x", true), good = limit.verdict === "PASS";
    const y = v => u.valToPos(v, "y", true);
    const top = limit.high == null ? box.top : y(limit.high), foot = limit.low == null ? box.top + box.height : y(limit.low);
    ctx.fillStyle = "rgba(47,125,91,.16)"; ctx.fillRect(x - 7 * r, top, 14 * r, foot - top);
    ctx.fillStyle = "#6fa88c"; for (const v of [limit.high, limit.low]) if (v != null) ctx.fillRect(x - 9 * r, y(v) - r / 2, 18 * r, r);
    if (limit.value != null) { ctx.fillStyle = good ? OUTCOME.met : OUTCOME.unmet; ctx.beginPath(); ctx.arc(x, y(limit.value), 3 * r, 0, 7); ctx.fill(); }
  });
}

function tick(u, mark, lanes) {
  inside(u, (ctx, box) => {
    const r = devicePixelRatio, n = lanes.indexOf(mark.lane), x = u.valToPos(mark.t, "x", true), y = u.valToPos(lanes.length - n - 0.5, "y", true);
    if (mark.outcome) {
      ctx.fillStyle = OUTCOME[mark.outcome]; ctx.beginPath();
      if (mark.outcome === "met") ctx.arc(x, y, 3.6 * r, 0, 7); else { ctx.moveTo(x, y - 5 * r); ctx.lineTo(x + 5 * r, y + 4 * r); ctx.lineTo(x - 5 * r, y + 4 * r); }
      ctx.fill();
    } else { ctx.fillStyle = "#4f6d7a"; ctx.fillRect(x - r, y - 6 * r, 2 * r, 12 * r); }
  });
}

// ---- Size

function fit() { for (const { u, holder } of plots) { const w = width(holder); if (w && w !== u.width) u.setSize({ width: w, height: u.height }); } }
new ResizeObserver(fit).observe(document.querySelector("main"));
addEventListener("beforeprint", () => plots.forEach(({ u }) => u.setSize({ width: PRINT_WIDTH, height: u.height })));
addEventListener("afterprint", fit);

filter();
openFromAddress();
