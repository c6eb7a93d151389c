// The learning curve, drawn from (sentences, f1, half) points.
const SPACE = "http://www.w3.org/2000/svg";
const LEFT = 40, RIGHT = 470, TOP = 10, BOTTOM = 165;

const made = (name, attributes, text) => {
  const found = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  if (text !== undefined) found.textContent = text;
  return found;
};

const said = (point) => {
  const half = point.half === null ? "" : ` ± ${point.half.toFixed(1)}`;
  return `${point.f1.toFixed(1)}${half}`;
};

// In words: what the last step brought, and whether that is more than chance.
const verdict = (points) => {
  const last = points[points.length - 1];
  const words = `F1 ${said(last)} (mean and 95% interval of ${last.folds} folds of ${last.sentences} annotated sentences).`;
  const before = points.filter((point) => point.sentences < last.sentences).pop();
  if (!before) return words;
  const gain = last.f1 - before.f1, sign = gain >= 0 ? "+" : "−";
  const change = `${sign}${Math.abs(gain).toFixed(1)} since ${before.sentences}`;
  const more = last.half !== null && Math.abs(gain) > last.half
    ? "more than the interval" : "within the interval: it may be chance";
  return `${words} ${change}, ${more}.`;
};

export const draw = (figure, plot, caption, points) => {
  figure.hidden = points.length === 0;
  if (!points.length) return;
  const most = Math.max(10, ...points.map((point) => point.sentences));
  const x = (n) => LEFT + ((RIGHT - LEFT) * n) / most;
  const y = (f1) => BOTTOM - ((BOTTOM - TOP) * Math.min(100, Math.max(0, f1))) / 100;
  const parts = [];
  for (const f1 of [0, 25, 50, 75, 100]) {
    parts.push(made("line", { class: "grid", x1: LEFT, x2: RIGHT, y1: y(f1), y2: y(f1) }));
    parts.push(made("text", { x: LEFT - 6, y: y(f1) + 4, "text-anchor": "end" }, f1));
  }
  parts.push(made("line", { class: "axis", x1: LEFT, x2: RIGHT, y1: BOTTOM, y2: BOTTOM }));
  for (const share of [0, 0.5, 1]) {
    const n = Math.round(most * share);
    parts.push(made("text", { x: x(n), y: BOTTOM + 16, "text-anchor": share ? (share === 1 ? "end" : "middle") : "start" }, n));
  }
  parts.push(made("text", { x: (LEFT + RIGHT) / 2, y: BOTTOM + 32, "text-anchor": "middle" }, "annotated sentences"));
  const middle = (TOP + BOTTOM) / 2;
  parts.push(made("text", { x: 10, y: middle, "text-anchor": "middle", transform: `rotate(-90 10 ${middle})` }, "F1"));
  parts.push(made("polyline", { class: "line", points: points.map((p) => `${x(p.sentences)},${y(p.f1)}`).join(" ") }));
  for (const point of points) {
    if (point.half !== null) {
      parts.push(made("line", { class: "bar", x1: x(point.sentences), x2: x(point.sentences), y1: y(point.f1 - point.half), y2: y(point.f1 + point.half) }));
    }
    const dot = made("circle", { class: "dot", cx: x(point.sentences), cy: y(point.f1), r: 3.5 });
    dot.append(made("title", {}, `${point.sentences} sentences: F1 ${said(point)}`));
    parts.push(dot);
  }
  plot.replaceChildren(...parts);
  caption.textContent = verdict(points);
};
