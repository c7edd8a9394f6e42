// The picture of the live lab, in the style of nbhelpers/course.mplstyle and with the rules of
// nbhelpers/widgets/lab/curves.py: curves of the runs, and the band of recorded ones.

import { general } from "./numbers.js";

const COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#333333"];
const DASHED = [3.7, 1.6]; // in widths of the line, as all of these
const DASHDOT = [6.4, 1.6, 1, 1.6];
const DOTTED = [1, 1.65];
// Earlier runs: other colours and styles than those of training and validation, and told apart.
const OTHERS = [DASHDOT, DOTTED, [5, 1], [3, 1, 1, 1], [1, 1]];
const INK = "#222222";
const FONT = "system-ui, 'DejaVu Sans', sans-serif";
const SHARPNESS = 2; // pixels of the picture for each of the page

// Return the picture as a PNG's bytes. `run` is drawn, if there is one, with its guess; `others` are earlier runs, and
// `band`, {epochs, val_loss, val_accuracy: a list for each seed}, lies behind. In a narrow picture one axis is below
// the other.
export function drawPicture(state, { narrow = false } = {}) {
  const [columns, rows] = narrow ? [1, 2] : [2, 1];
  const [width, height] = narrow ? [370, 240] : [380, 310]; // of each axis with its labels
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d");
  const legend = placeLegend(pen, curvesOf("accuracy", state), columns * width);
  Object.assign(canvas, { width: SHARPNESS * columns * width, height: SHARPNESS * (legend.height + rows * height) });
  pen.scale(SHARPNESS, SHARPNESS);
  pen.fillStyle = "#fcfcfc";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  drawLegend(pen, legend.entries);
  ["loss", "accuracy"].forEach((metric, i) => {
    const [left, top] = [(i % columns) * width, legend.height + Math.floor(i / columns) * height];
    const box = { left, top, width, height };
    drawAxes(pen, box, curvesOf(metric, state), { metric, epochs: state.run?.epochs ?? null });
  });
  // Not toBlob, which waits until the browser is idle: up to seven seconds in Chromium.
  const [, base64] = canvas.toDataURL("image/png").split(",");
  return Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0)).buffer;
}

// What is drawn of a metric, from back to front: `lines`, and the `area` of the band.
export function curvesOf(metric, { run, others, band }) {
  const lines = [];
  const area = band ? spread(band[`val_${metric}`]) : null;
  if (band) lines.push({ x: band.epochs, y: area.mean, dash: DOTTED, color: "#595959", label: bandLabel(band) });
  others.forEach(({ number, history }, i) => {
    const style = { color: COLORS[2 + (i % 5)], dash: OTHERS[i % 5], width: 2 };
    lines.push({ x: history.epoch, y: history[`val_${metric}`], ...style, label: `run ${number}` });
  });
  if (run?.history.epoch.length) {
    const { epoch: x } = run.history;
    lines.push({ x, y: run.history[metric], dash: DASHED, color: COLORS[1], label: "training" });
    const label = `validation, run ${run.number}`;
    lines.push({ x, y: run.history[`val_${metric}`], dash: [], color: COLORS[0], label });
  }
  const level = metric === "accuracy" ? (run?.guess ?? null) : null;
  return { lines, level, area: area && { x: band.epochs, ...area } };
}

const bandLabel = (band) => `recorded, ${band.val_loss.length} seeds`;

// Mean and standard deviation over the seeds, NaN where one of the values is not finite.
function spread(seeds) {
  const n = seeds.length;
  const mean = seeds[0].map((_, i) => seeds.reduce((sum, values) => sum + values[i], 0) / n);
  const square = (i) => seeds.reduce((sum, values) => sum + (values[i] - mean[i]) ** 2, 0);
  const deviation = mean.map((_, i) => Math.sqrt(square(i) / (n - 1)));
  return { mean, low: mean.map((m, i) => m - deviation[i]), high: mean.map((m, i) => m + deviation[i]) };
}

// The smallest and the largest value of the vertical axis. Once a curve goes on after the first epoch, the steep way
// to it, which hides all else, is left out.
export function limits({ lines, level, area }) {
  const long = lines.filter((line) => line.x.length > 2);
  const after = long.map((line) => line.y.filter((_, i) => line.x[i] >= 1.5));
  const short = lines.filter((line) => line.x.length <= 2).flatMap((line) => line.y);
  const guess = level === null ? [] : [level];
  const shown = finite([...after.flat(), ...short, ...guess]);
  const zoomed = after.some((part) => part.length > 1) && shown.length && Math.max(...shown) > Math.min(...shown);
  const all = [...lines.flatMap((line) => line.y), ...guess, ...(area ? [...area.low, ...area.high] : [])];
  const values = zoomed ? shown : finite(all);
  if (!values.length) return [0, 1];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = 0.05 * (high - low || Math.abs(high) || 1);
  return [low - margin, high + margin];
}

const finite = (values) => values.filter(Number.isFinite);

function drawAxes(pen, box, curves, { metric, epochs }) {
  const x = { range: [0, epochs ?? 1], step: Math.max(1, tickStep(epochs ?? 1, 7)) };
  const y = { range: limits(curves) };
  y.step = tickStep(y.range[1] - y.range[0], 6);
  pen.font = `14px ${FONT}`;
  const texts = ticks(y).map((value) => pen.measureText(tickText(value, y.step)).width);
  const left = box.left + Math.max(...texts, 20) + 38;
  const plot = { left, top: box.top + 12, right: box.left + box.width - 14, bottom: box.top + box.height - 48 };
  const toX = (value) => plot.left + ((value - x.range[0]) / (x.range[1] - x.range[0])) * (plot.right - plot.left);
  const toY = (value) => plot.bottom - ((value - y.range[0]) / (y.range[1] - y.range[0])) * (plot.bottom - plot.top);
  drawGrid(pen, plot, { x, y, toX, toY });
  writeLabels(pen, plot, { left: box.left, metric });
  drawCurves(pen, plot, curves, { toX, toY });
}

// A step of 1, 2, 2.5 or 5 times a power of ten, so that there are so many at most.
function tickStep(length, most) {
  const power = 10 ** Math.floor(Math.log10(length / most));
  return power * [1, 2, 2.5, 5, 10].find((step) => length / (power * step) <= most);
}

function ticks({ range: [low, high], step }) {
  const [first, last] = [Math.ceil(low / step - 1e-9), Math.floor(high / step + 1e-9)];
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

function tickText(value, step) {
  const decimals = [0, 1, 2, 3, 4, 5, 6].find((n) => Math.abs(step * 10 ** n - Math.round(step * 10 ** n)) < 1e-6) ?? 7;
  return value.toFixed(decimals).replace("-", "−");
}

function drawGrid(pen, plot, { x, y, toX, toY }) {
  const line = (...points) => {
    pen.beginPath();
    points.forEach((point) => pen.lineTo(...point));
    pen.stroke();
  };
  Object.assign(pen, { strokeStyle: "#dddddd", lineWidth: 1, fillStyle: INK, textBaseline: "top", textAlign: "center" });
  const whole = x.step % 1 === 0 ? x : { ...x, step: Math.ceil(x.step) }; // epochs
  ticks(whole).forEach((value) => {
    line([toX(value), plot.top], [toX(value), plot.bottom]);
    pen.fillText(tickText(value, whole.step), toX(value), plot.bottom + 8);
  });
  Object.assign(pen, { textBaseline: "middle", textAlign: "right" });
  ticks(y).forEach((value) => {
    line([plot.left, toY(value)], [plot.right, toY(value)]);
    pen.fillText(tickText(value, y.step), plot.left - 7, toY(value));
  });
  pen.strokeStyle = "#666666";
  line([plot.left, plot.top], [plot.left, plot.bottom], [plot.right, plot.bottom]);
}

function writeLabels(pen, plot, { left, metric }) {
  Object.assign(pen, { textBaseline: "bottom", textAlign: "center" });
  pen.fillText("epoch", (plot.left + plot.right) / 2, plot.bottom + 45);
  pen.save();
  pen.translate(left + 22, (plot.top + plot.bottom) / 2);
  pen.rotate(-Math.PI / 2);
  pen.fillText(metric, 0, 0);
  pen.restore();
}

function drawCurves(pen, plot, { lines, level, area }, { toX, toY }) {
  pen.save();
  pen.beginPath();
  pen.rect(plot.left, plot.top, plot.right - plot.left, plot.bottom - plot.top);
  pen.clip();
  if (area) drawArea(pen, area, { toX, toY });
  lines.forEach((line) => drawLine(pen, line, { toX, toY }));
  if (level !== null) strokeLine(pen, [[plot.left, toY(level)], [plot.right, toY(level)]], GUESS);
  pen.restore();
  // A single value is a point, at the edge, too.
  const points = lines.filter((line) => line.y.filter(Number.isFinite).length === 1);
  points.forEach(({ x, y, color }) => {
    const i = y.findIndex(Number.isFinite);
    if (toY(y[i]) < plot.top || toY(y[i]) > plot.bottom) return;
    pen.fillStyle = color;
    pen.beginPath();
    pen.arc(toX(x[i]), toY(y[i]), 3.5, 0, 2 * Math.PI);
    pen.fill();
  });
}

const GUESS = { color: "#000000", dash: DASHDOT, width: 2 };

function drawArea(pen, { x, low, high }, { toX, toY }) {
  const known = x.map((_, i) => i).filter((i) => Number.isFinite(low[i]));
  if (known.length === 1) {
    const i = known[0];
    strokeLine(pen, [[toX(x[i]), toY(low[i])], [toX(x[i]), toY(high[i])]], { color: "#bfbfbf", dash: [], width: 10 });
    return;
  }
  pen.fillStyle = "#bfbfbf";
  pen.beginPath();
  known.forEach((i) => pen.lineTo(toX(x[i]), toY(high[i])));
  [...known].reverse().forEach((i) => pen.lineTo(toX(x[i]), toY(low[i])));
  pen.fill();
}

function drawLine(pen, line, { toX, toY }) {
  const known = line.x.map((_, i) => i).filter((i) => Number.isFinite(line.y[i]));
  strokeLine(pen, known.map((i) => [toX(line.x[i]), toY(line.y[i])]), line);
}

function strokeLine(pen, points, { color, dash, width = 2.7 }) {
  Object.assign(pen, { strokeStyle: color, lineWidth: width, lineJoin: "round" });
  pen.setLineDash(dash.map((length) => length * width));
  pen.beginPath();
  points.forEach((point) => pen.lineTo(...point));
  pen.stroke();
  pen.setLineDash([]);
  pen.lineWidth = 1;
}

// The legend stands above both axes, where it hides nothing: a row at least, so that the first curve moves nothing.
function placeLegend(pen, { lines, level }, width) {
  const entries = lines.map(({ label, ...style }) => ({ label, style }));
  if (level !== null) entries.push({ label: `your guess ${general(level)}`, style: GUESS });
  pen.font = `13px ${FONT}`;
  let [left, row] = [14, 0];
  entries.forEach((entry) => {
    const length = 44 + pen.measureText(entry.label).width;
    if (left > 14 && left + length > width) [left, row] = [14, row + 1];
    Object.assign(entry, { left, top: 16 + 20 * row });
    left += length + 18;
  });
  return { entries, height: 26 + 20 * row };
}

function drawLegend(pen, entries) {
  Object.assign(pen, { font: `13px ${FONT}`, textBaseline: "middle", textAlign: "left", fillStyle: INK });
  entries.forEach(({ label, style, left, top }) => {
    strokeLine(pen, [[left, top], [left + 36, top]], style);
    pen.fillText(label, left + 44, top);
  });
}
