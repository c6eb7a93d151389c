// The list of sentences: of a hundred thousand, only those in sight are in the page.
import { get } from "./server.js";

const HEIGHT = 36; // of a row, in pixels: 2.25rem
const SIGNS = { o: "", d: "✓", s: "–" };
const NAMES = { o: "open", d: "annotated", s: "skipped" };
const MANY = 100;

export class List {
  constructor(box, rows, open) {
    this.box = box;
    this.rows = rows;
    this.open = open;
    this.statuses = [];
    this.numbers = null; // those shown; null is all
    this.texts = new Map();
    this.asked = new Set();
    this.current = -1;
    box.addEventListener("scroll", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(box);
    rows.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row) open(Number(row.dataset.number));
    });
  }

  get size() {
    return this.numbers === null ? this.statuses.length : this.numbers.length;
  }

  at(place) {
    return this.numbers === null ? place : this.numbers[place];
  }

  place(number) {
    return this.numbers === null ? number : this.numbers.indexOf(number);
  }

  // The sentence `by` rows away from one, or null.
  beside(number, by) {
    const place = this.place(number);
    const wanted = place < 0 ? (by > 0 ? 0 : this.size - 1) : place + by;
    return wanted >= 0 && wanted < this.size ? this.at(wanted) : null;
  }

  show(numbers) {
    this.numbers = numbers;
    this.rows.style.height = `${this.size * HEIGHT}px`;
    this.reveal();
    this.draw();
  }

  mark(number, status) {
    this.statuses[number] = status[0];
    this.draw();
  }

  choose(number) {
    this.current = number;
    this.reveal();
    this.draw();
  }

  reveal() {
    const place = this.place(this.current);
    if (place < 0) return;
    const top = place * HEIGHT, seen = this.box.clientHeight;
    if (top < this.box.scrollTop || top + HEIGHT > this.box.scrollTop + seen) {
      this.box.scrollTop = Math.max(0, top - seen / 2);
    }
  }

  draw() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / HEIGHT) - 5);
    const end = Math.min(this.size, first + Math.ceil(this.box.clientHeight / HEIGHT) + 10);
    const drawn = document.createDocumentFragment();
    const missing = [];
    let active = "";
    for (let place = first; place < end; place++) {
      const number = this.at(place), status = this.statuses[number];
      const row = document.createElement("div");
      row.className = `row ${status}`;
      row.id = `row-${number}`;
      row.dataset.number = number;
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", String(number === this.current));
      row.setAttribute("aria-setsize", this.size);
      row.setAttribute("aria-posinset", place + 1);
      row.style.top = `${place * HEIGHT}px`;
      for (const [name, text] of [["n", number + 1], ["s", SIGNS[status]]]) {
        const part = document.createElement("span");
        part.className = name;
        part.textContent = text;
        if (name === "s") {
          part.title = NAMES[status];
          if (status !== "o") part.setAttribute("aria-label", NAMES[status]), part.setAttribute("role", "img");
        }
        row.append(part);
      }
      const text = this.texts.get(number);
      row.append(text === undefined ? "…" : text);
      if (text === undefined && !this.asked.has(number)) missing.push(number);
      if (number === this.current) active = row.id;
      drawn.append(row);
    }
    this.rows.replaceChildren(drawn);
    if (active) this.box.setAttribute("aria-activedescendant", active);
    else this.box.removeAttribute("aria-activedescendant");
    if (missing.length) this.load(missing.slice(0, MANY));
  }

  async load(numbers) {
    numbers.forEach((number) => this.asked.add(number));
    try {
      const found = await get(`/api/sentences?at=${numbers.join(",")}`);
      found.forEach((each) => this.texts.set(each.number, each.text));
    } catch {
      // Asked for again when it is next in sight.
    }
    numbers.forEach((number) => this.asked.delete(number));
    if (numbers.some((number) => this.texts.has(number))) this.draw();
  }
}
