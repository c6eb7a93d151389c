// The sentence that is annotated: its marks, what is selected, and how it is drawn.
// Offsets count characters (code points), as everywhere; a string of JavaScript counts otherwise.
const HUES = 12;
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const meet = (one, other) => one.some(([a, b]) => other.some(([c, d]) => a < d && c < b));
const element = (name, className, text) => {
  const found = document.createElement(name);
  if (className) found.className = className;
  if (text !== undefined) found.textContent = text;
  return found;
};

export class Sentence {
  constructor(box, list, act) {
    this.box = box;
    this.list = list;
    this.act = act;
    this.types = [];
    this.number = -1;
    this.spans = this.rejected = this.proposals = this.likely = this.tokens = this.chars = [];
    this.clear();
    this.dragging = false;
    box.addEventListener("pointerdown", (event) => this.press(event));
    box.addEventListener("pointermove", (event) => this.drag(event));
    addEventListener("pointerup", () => { this.dragging = false; });
  }

  clear() {
    this.from = this.to = null; // what is selected, as characters
    this.picked = null; // a mark, as [type, pieces]
  }

  // Take what the server says; a selection stays if the sentence does.
  take(given) {
    if (given.number !== this.number) {
      this.clear();
      this.word = 0;
      this.anchor = null;
      this.passed = new Set(); // what m has shown
    }
    Object.assign(this, {
      number: given.number, status: given.status, seen: given.seen, spans: given.spans,
      rejected: given.rejected, proposals: given.proposals, likely: given.likely || [], tokens: given.tokens,
      chars: Array.from(given.text),
    });
    if (this.picked && !this.marks().some((mark) => this.isPicked(mark))) this.picked = null;
  }

  words(pieces) {
    return pieces.map(([a, b]) => this.chars.slice(a, b).join("")).join(" … ");
  }

  // What else may be a mention, the likeliest first, apart from what is there and from each other.
  others() {
    const found = [], there = [...this.spans, ...this.proposals];
    for (const mark of this.likely) {
      if (![...there, ...found].some((each) => meet(each[1], mark[1]))) found.push(mark);
    }
    return found;
  }

  // Picks the likeliest of these that was not shown yet; when all were, begins again.
  other() {
    const every = this.others(), key = (mark) => JSON.stringify(mark.slice(0, 2));
    if (!every.length) return false;
    if (every.every((mark) => this.passed.has(key(mark)))) this.passed.clear();
    const mark = every.find((each) => !this.passed.has(key(each)));
    this.passed.add(key(mark));
    this.pick(mark);
    return true;
  }

  isPicked(mark) {
    return this.picked !== null && same(mark.slice(0, 2), this.picked);
  }

  // Spans, proposals and what else is picked, from left to right.
  marks() {
    const every = [...this.spans, ...this.proposals, ...this.others().filter((mark) => this.isPicked(mark))];
    return every.sort((a, b) => a[1][0][0] - b[1][0][0] || b[1][b[1].length - 1][1] - a[1][a[1].length - 1][1]);
  }

  isSpan(mark) {
    return this.spans.some((span) => same(span, mark.slice(0, 2)));
  }

  hue(type) {
    return `t${Math.max(0, this.types.indexOf(type)) % HUES}`;
  }

  selected() {
    return this.from === null ? "" : this.chars.slice(this.from, this.to).join("");
  }

  // Moves the cursor by words; `extend` selects up to it.
  move(by, extend) {
    if (!this.tokens.length) return;
    const last = this.tokens.length - 1;
    const had = this.from !== null;
    if (extend) {
      if (this.anchor === null || !had) {
        this.anchor = this.word;
        if (!had) by = 0; // the first press selects the word at the cursor
      }
    } else this.anchor = null;
    this.word = Math.max(0, Math.min(last, this.word + by));
    this.picked = null;
    if (extend) this.select(this.anchor, this.word);
    else this.select(this.word, this.word);
  }

  select(one, other) {
    const [a, b] = one < other ? [one, other] : [other, one];
    this.from = this.tokens[a][0];
    this.to = this.tokens[b][1];
  }

  // Moves an end of the selection by characters.
  trim(end, by) {
    if (this.from === null) return;
    if (end) this.to = Math.max(this.from + 1, Math.min(this.chars.length, this.to + by));
    else this.from = Math.max(0, Math.min(this.to - 1, this.from + by));
  }

  // Picks the next mark.
  step(by) {
    const marks = this.marks();
    if (!marks.length) return;
    const at = this.picked ? marks.findIndex((mark) => this.isPicked(mark)) : by > 0 ? -1 : 0;
    this.pick(marks[(at + by + marks.length) % marks.length]);
  }

  pick(mark) {
    this.picked = mark.slice(0, 2);
    this.from = this.to = this.anchor = null;
    const place = this.tokens.findIndex(([, end]) => end > mark[1][0][0]);
    if (place >= 0) this.word = place;
  }

  // Characters with white space at the ends left out, as no mention begins or ends with it.
  selection() {
    let [from, to] = [this.from, this.to];
    while (from < to && !this.chars[from].trim()) from++;
    while (to > from && !this.chars[to - 1].trim()) to--;
    return from < to ? [from, to] : null;
  }

  // Marks what is selected, or gives the picked mark another type.
  mark(type) {
    if (this.picked) {
      const [name, pieces] = this.picked;
      if (name === type && this.isSpan(this.picked)) return null;
      const span = [type, pieces];
      const others = this.spans.filter((each) => !same(each, this.picked) && !same(each, span));
      const refused = this.isSpan(this.picked) ? this.rejected : [...this.rejected, this.picked];
      this.picked = span;
      return { how: "change", spans: [...others, span], rejected: refused.filter((each) => !same(each, span)) };
    }
    const piece = this.from === null ? null : this.selection();
    if (!piece) return null;
    const span = [type, [piece]];
    if (this.spans.some((each) => same(each, span))) return null;
    this.from = this.to = this.anchor = null;
    this.picked = span;
    return { how: "add", spans: [...this.spans, span], rejected: this.rejected.filter((each) => !same(each, span)) };
  }

  // Moves the end, or the beginning, of what keys act on by a word; a proposal becomes a mention so.
  reach(end, by) {
    const mark = this.marks().find((each) => this.isPicked(each)) || this.acting();
    if (!mark) return null;
    const was = mark.slice(0, 2), pieces = mark[1].map((piece) => [...piece]);
    const piece = pieces[end ? pieces.length - 1 : 0];
    const inside = this.tokens.filter(([a, b]) => a < piece[1] && b > piece[0]);
    const at = this.tokens.indexOf(inside[end ? inside.length - 1 : 0]) + by;
    if (at < 0 || at >= this.tokens.length) return null;
    if (end) piece[1] = this.tokens[at][1];
    else piece[0] = this.tokens[at][0];
    const apart = pieces.every(([a, b], i) => a < b && (i === 0 || pieces[i - 1][1] <= a));
    if (!apart) return null;
    const span = [was[0], pieces];
    const others = this.spans.filter((each) => !same(each, was) && !same(each, span));
    const refused = this.isSpan(was) ? this.rejected : [...this.rejected, was];
    this.picked = span;
    this.from = this.to = this.anchor = null;
    return { how: "change", spans: [...others, span], rejected: refused.filter((each) => !same(each, span)) };
  }

  // Adds what is selected to the mark that was picked last, as a further piece.
  join(span) {
    const piece = this.from === null ? null : this.selection();
    if (!piece || !span) return null;
    const pieces = [];
    for (const each of [...span[1], piece].sort((a, b) => a[0] - b[0])) {
      const before = pieces[pieces.length - 1];
      if (before && each[0] <= before[1]) before[1] = Math.max(before[1], each[1]);
      else pieces.push([...each]);
    }
    const whole = [span[0], pieces];
    const others = this.spans.filter((each) => !same(each, span) && !same(each, whole));
    this.from = this.to = this.anchor = null;
    this.picked = whole;
    return { how: "change", spans: [...others, whole], rejected: this.rejected };
  }

  remove() {
    if (!this.picked || !this.isSpan(this.picked)) return null;
    const spans = this.spans.filter((each) => !same(each, this.picked));
    this.picked = null;
    return { how: "remove", spans, rejected: this.rejected };
  }

  accept(chosen) {
    const spans = chosen.map((mark) => mark.slice(0, 2));
    if (!spans.length) return null;
    this.picked = spans.length === 1 ? spans[0] : null;
    return { how: "accept", spans: [...this.spans, ...spans], rejected: this.rejected };
  }

  reject(mark) {
    const span = mark.slice(0, 2);
    this.picked = null;
    return { how: "reject", spans: this.spans, rejected: [...this.rejected, span] };
  }

  // What is done now, before the server has answered.
  foresee(change) {
    this.spans = change.spans;
    this.rejected = change.rejected;
    this.proposals = this.proposals.filter((mark) =>
      !this.rejected.some((each) => same(each, mark.slice(0, 2))) &&
      !this.spans.some((span) => meet(span[1], mark[1])));
    this.likely = this.likely.filter((mark) => !this.rejected.some((each) => same(each, mark.slice(0, 2))));
    if (change.status) this.status = change.status;
  }

  // What a and r act on: the proposal that is picked, or else the one that is least sure.
  acting() {
    const every = this.marks().filter((mark) => !this.isSpan(mark));
    const least = this.proposals.reduce((least, mark) => (least && least[2] <= mark[2] ? least : mark), null);
    return every.find((mark) => this.isPicked(mark)) || least;
  }

  place(event) {
    const at = document.elementFromPoint(event.clientX, event.clientY)?.closest("#text .seg");
    if (!at) return null;
    const from = Number(at.dataset.from);
    const word = this.tokens.findIndex(([, end]) => end > from);
    return { word: word < 0 ? this.tokens.length - 1 : word, from, to: Number(at.dataset.to) };
  }

  press(event) {
    if (event.button !== 0) return;
    const at = this.place(event);
    if (!at) return;
    this.box.focus({ preventScroll: true });
    event.preventDefault();
    this.dragging = true;
    const on = [...this.others(), ...this.marks()].filter((mark) => meet(mark[1], [[at.from, at.to]])).pop();
    if (event.shiftKey && this.from !== null) {
      this.anchor = this.anchor ?? this.word;
      this.word = at.word;
      this.select(this.anchor, this.word);
    } else if (on && event.detail < 2) {
      this.pick(on);
      this.anchor = this.word = at.word;
    } else {
      this.picked = null;
      this.anchor = this.word = at.word;
      this.select(this.word, this.word);
    }
    this.draw();
  }

  drag(event) {
    if (!this.dragging || this.anchor === null) return;
    const at = this.place(event);
    if (!at || (at.word === this.word && this.from === null)) return;
    this.picked = null;
    this.word = at.word;
    this.select(this.anchor, this.word);
    this.draw();
  }

  draw() {
    const every = this.marks(), others = this.others(), acting = this.from === null && this.acting();
    const cuts = new Set([0, this.chars.length]);
    for (const [a, b] of [...this.tokens, ...[...every, ...others].flatMap((mark) => mark[1])]) cuts.add(a).add(b);
    if (this.from !== null) cuts.add(this.from).add(this.to);
    const edges = [...cuts].sort((a, b) => a - b);
    const drawn = document.createDocumentFragment();
    for (let i = 0; i + 1 < edges.length; i++) {
      const [a, b] = [edges[i], edges[i + 1]];
      const over = every.filter((mark) => meet(mark[1], [[a, b]]));
      const part = element("span", "seg", this.chars.slice(a, b).join(""));
      part.dataset.from = a;
      part.dataset.to = b;
      if (over.length) this.paint(part, over, acting);
      else if (others.some((mark) => meet(mark[1], [[a, b]]))) part.classList.add("likely");
      if (this.from !== null && a >= this.from && b <= this.to) part.classList.add("selected");
      const word = this.tokens[this.word];
      if (word && a >= word[0] && b <= word[1]) part.classList.add("cursor");
      drawn.append(part);
      for (const mark of over.filter((each) => each[1][each[1].length - 1][1] === b)) drawn.append(this.label(mark));
    }
    this.box.replaceChildren(drawn);
    this.list.replaceChildren(...every.map((mark) => this.item(mark)));
  }

  // The shortest mention gives the ground, and each one a line below.
  paint(part, over, acting) {
    const length = (mark) => mark[1][mark[1].length - 1][1] - mark[1][0][0];
    const inner = over.reduce((least, mark) => (length(mark) <= length(least) ? mark : least));
    part.classList.add(this.isSpan(inner) ? "in" : "asked", this.hue(inner[0]));
    const framed = over.find((mark) => this.isPicked(mark)) || (this.picked ? null : over.find((mark) => mark === acting));
    if (framed) {
      part.classList.add(this.picked ? "picked" : "acting");
      if (framed[1].some(([a]) => a === Number(part.dataset.from))) part.classList.add("begins");
      if (framed[1].some(([, b]) => b === Number(part.dataset.to))) part.classList.add("ends");
    }
    const lines = over.flatMap((mark, i) => {
      const hue = getComputedStyle(this.sample(this.hue(mark[0]))).getPropertyValue("--hue") || 210;
      const line = `0 ${0.15 + 0.25 * i}rem hsl(${hue} 60% var(--edge))`;
      return i ? [`0 ${0.25 * i}rem var(--panel)`, line] : [line];
    });
    part.style.boxShadow = lines.join(", ");
  }

  sample(name) {
    this.samples = this.samples || new Map();
    if (!this.samples.has(name)) {
      const one = element("span", name);
      one.hidden = true;
      document.body.append(one);
      this.samples.set(name, one);
    }
    return this.samples.get(name);
  }

  label(mark) {
    const asks = !this.isSpan(mark);
    const sure = asks ? ` ${Math.round(100 * mark[2])}%?` : "";
    return element("small", `label ${this.hue(mark[0])}${asks ? " asks" : ""}`, `${mark[0]}${sure}`);
  }

  item(mark) {
    const asks = !this.isSpan(mark);
    const row = element("li", `${this.hue(mark[0])}${asks ? " asks" : ""}`);
    if (this.isPicked(mark)) row.classList.add("picked");
    const words = this.words(mark[1]);
    row.append(element("strong", "", mark[0]), element("span", "words", words));
    const button = (text, change) => {
      const made = element("button", "", text);
      made.type = "button";
      made.setAttribute("aria-label", `${text} ${mark[0]} ${words}`);
      made.addEventListener("click", () => { this.act(change()); });
      row.append(made);
    };
    if (asks) {
      row.append(element("span", "soft", `proposed, ${Math.round(100 * mark[2])}%`));
      button("Accept", () => this.accept([mark]));
      button("Reject", () => this.reject(mark));
    } else {
      button("Remove", () => { this.pick(mark); return this.remove(); });
    }
    return row;
  }
}
