// The dialogs: the keys, an export, a further type.
import { post } from "./server.js";

const $ = (id) => document.getElementById(id);
const KEYS = [
  ["← →", "to the word before, after; Home and End to the first, the last"],
  ["Shift ← →", "select by words"],
  ["Alt ← →", "move the end of what is selected by a character; with Shift its beginning"],
  ["1 … 9, 0", "mark what is selected as the first … tenth type; or give the picked mention that type"],
  ["↑ ↓", "pick the mention before, after"],
  ["a", "accept the picked proposal, or the least sure one, which is framed; A: all"],
  ["r", "reject the picked proposal, or the least sure one"],
  [". ,", "move the end of the picked mention or proposal, or of the least sure one, by a word: further, back"],
  ["< >", "move its beginning by a word: to the left, to the right"],
  ["m", "what else may be a mention (underlined): the likeliest first; then a accepts it"],
  ["x, Delete", "remove the picked mention; of a proposal: reject it"],
  ["+", "add what is selected to the mention that was picked or marked last, as a further piece"],
  ["Enter", "the sentence is annotated: to the next one"],
  ["Shift Enter", "accept all that is proposed; then the same"],
  ["s", "skip the sentence: to the next one"],
  ["o", "reopen a sentence that is annotated or skipped"],
  ["n, p", "to the next, the previous sentence of the list"],
  ["b, f", "back to the one before; forward to the one that is chosen to come next"],
  ["u, U", "undo, redo; Ctrl Z and Ctrl Shift Z too"],
  ["/", "search; Escape leaves it"],
  ["t", "a further type"],
  ["e", "export"],
  ["?", "these keys"],
];

const made = (name, text, more = {}) => Object.assign(document.createElement(name), { textContent: text, ...more });

const exported = async (event) => {
  event.preventDefault();
  const place = $("exported");
  place.textContent = "writing";
  try {
    const found = await post("/api/export", { format: $("format").value, what: $("what").value });
    const notes = document.createElement("ul");
    notes.append(...found.notes.map((note) => made("li", note)));
    place.replaceChildren(`Wrote ${found.path}: ${found.documents} documents, ${found.mentions} mentions.`, notes);
  } catch (error) {
    place.textContent = error.message;
  }
};

const typed = async (event, took) => {
  event.preventDefault();
  try {
    took(await post("/api/act", { do: "type", name: $("type-name").value.trim() }));
    $("type-name").value = "";
    $("type-problem").textContent = "";
    $("typing").close();
  } catch (error) {
    $("type-problem").textContent = error.message;
  }
};

// `took` is called with the server's answer when there is a further type.
export const dialogs = (formats, took) => {
  $("key-rows").replaceChildren(...KEYS.map(([keys, what]) => {
    const row = document.createElement("tr");
    row.append(made("td", keys, { className: "t" }), made("td", what, { className: "t" }));
    return row;
  }));
  for (const [name, about] of Object.entries(formats)) {
    $("format").append(new Option(`${name}: ${about}`, name, name === "jsonl", name === "jsonl"));
  }
  for (const [id, name] of [["help", "keys"], ["export", "exporting"]]) {
    $(id).addEventListener("click", () => $(name).showModal());
  }
  $("export-close").addEventListener("click", () => $("exporting").close());
  $("type-close").addEventListener("click", () => $("typing").close());
  for (const name of ["keys", "exporting", "typing"]) $(name).addEventListener("close", () => $("text").focus());
  $("export-form").addEventListener("submit", exported);
  $("type-form").addEventListener("submit", (event) => typed(event, took));
};
