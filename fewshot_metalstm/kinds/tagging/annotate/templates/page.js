// The page: what keys and buttons do, and what is said of it.
import { draw as drawCurve } from "./curve.js";
import { dialogs } from "./dialogs.js";
import { List } from "./list.js";
import { Sentence } from "./sentence.js";
import { get, post } from "./server.js";

const $ = (id) => document.getElementById(id);
const NAMES = { open: "open", done: "annotated", skipped: "skipped" };
let status = null;
let lastMark = null; // the span that + adds to
let warned = -1; // the sentence whose undecided proposals were pointed at
let alarm = "";
const visited = [];
let heading = -1; // the sentence that is shown, or is about to be
let leaving = false; // between a key that ends a sentence and the next one's being there
let outstanding = 0; // changes that the server has not answered
const waiting = []; // keys that were pressed meanwhile: they are for the next one

const say = (text) => { $("said").textContent = text; };
const problem = (text) => { alarm = text; showProblem(); };
const showProblem = () => {
  const text = alarm || (status && status.problem) || "";
  $("problem").hidden = !text;
  if ($("problem").textContent !== text) $("problem").textContent = text;
};

const sentence = new Sentence($("text"), $("marks"), (change) => apply(change));
const list = new List($("list"), $("rows"), (number) => go(number));

const failed = async (error) => {
  problem(error.message);
  if (sentence.number >= 0 && error.status) {
    try { show((await get(`/api/sentences?full&at=${sentence.number}`))[0]); } catch { /* said already */ }
  }
};

// Show a sentence as the server has it.
const show = (given) => {
  sentence.take(given);
  $("where").textContent = `${given.document}, sentence ${given.number + 1}`;
  $("before").textContent = given.before;
  $("after").textContent = given.after;
  redraw();
};

const redraw = () => {
  sentence.draw();
  const badge = $("status");
  badge.textContent = NAMES[sentence.status] || "";
  badge.className = `badge ${sentence.status}`;
  $("reopen").disabled = sentence.status === "open";
  $("accept").disabled = sentence.proposals.length === 0;
  $("likely").disabled = sentence.others().length === 0;
  $("back").disabled = visited.length === 0;
};

const go = async (number, { back = false } = {}) => {
  if (number === null || number === undefined) return;
  heading = number;
  try {
    const [given] = await get(`/api/sentences?full&at=${number}`);
    if (heading !== number) return; // another one was asked for meanwhile
    if (!back && sentence.number >= 0 && sentence.number !== number) visited.push(sentence.number);
    show(given);
    list.choose(number);
    const proposed = given.proposals.length ? `, ${given.proposals.length} proposed` : "";
    say(`${NAMES[given.status]}${proposed}: ${given.text}`);
  } catch (error) {
    await failed(error);
  }
};

const next = async () => {
  try {
    const { sentence: number } = await get(`/api/next?not=${sentence.number}`);
    if (number === null) say("no other sentence is open");
    else await go(number);
  } catch (error) {
    await failed(error);
  }
};

const took = (answer) => {
  alarm = "";
  takeStatus(answer.status);
  if (answer.sentence) {
    list.mark(answer.sentence.number, answer.sentence.status);
    // While further changes are on their way the page is ahead of the server, and stays so.
    if (answer.sentence.number === sentence.number) {
      if (outstanding === 0) show(answer.sentence);
      else sentence.seen = answer.sentence.seen;
    }
  }
};

// Do a change of the sentence: shown at once, then as the server has it.
const apply = async (change, then) => {
  if (!change) return false;
  const number = sentence.number;
  sentence.foresee(change);
  lastMark = sentence.picked && sentence.isSpan(sentence.picked) ? sentence.picked : lastMark;
  const entry = { do: "mark", sentence: number, how: change.how, status: change.status || sentence.status,
                  spans: change.spans, rejected: change.rejected };
  redraw();
  outstanding++;
  try {
    let answer;
    try {
      answer = await post("/api/act", () => ({ ...entry, ...(sentence.number === number ? { seen: sentence.seen } : {}) }));
    } finally { outstanding--; }
    took(answer);
    if (then) await then();
    return true;
  } catch (error) {
    await failed(error);
    return false;
  }
};

const whole = (how, status) => ({ how, status, spans: sentence.spans, rejected: sentence.rejected });

const done = async (all) => {
  if (all) {
    const change = sentence.accept(sentence.proposals);
    if (change) {
      say("all accepted; annotated");
      return apply({ ...change, status: "done" }, next);
    }
  } else if (sentence.proposals.length && sentence.status === "open" && warned !== sentence.number) {
    warned = sentence.number;
    const many = sentence.proposals.length === 1 ? "a proposal is" : `${sentence.proposals.length} proposals are`;
    hint(`${many} undecided: Shift Enter accepts, Enter once more leaves them out`);
    return false;
  }
  say("annotated");
  return apply(whole("done", "done"), next);
};

// Ends a sentence; keys wait for the next one.
const leave = async (action) => {
  if (leaving) return;
  leaving = true;
  try { await action(); } finally {
    leaving = false;
    while (waiting.length && !leaving) waiting.shift()();
  }
};

const hint = (text) => {
  $("doing").textContent = text;
  $("doing").classList.add("hint");
  say(text);
};

const turn = async (which) => {
  if (!status || !status[`can_${which}`]) return;
  try {
    const answer = await post("/api/act", { do: which });
    took(answer);
    if (answer.sentence && answer.sentence.number !== sentence.number) await go(answer.sentence.number);
    say(`${which === "undo" ? "undone" : "done again"}`);
  } catch (error) {
    await failed(error);
  }
};

const mark = (place) => {
  const type = sentence.types[place];
  if (type === undefined) return;
  const change = sentence.mark(type);
  if (change) say(`${type}: ${sentence.words(sentence.picked[1])}`);
  else say("select words first");
  apply(change);
};

const accept = (all) => {
  const chosen = all ? [...sentence.proposals] : [sentence.acting()].filter(Boolean);
  apply(sentence.accept(chosen));
};

const reject = () => {
  const chosen = sentence.acting();
  if (chosen) apply(sentence.reject(chosen));
};

const remove = () => {
  const change = sentence.remove();
  if (change) apply(change);
  else if (sentence.picked) reject();
};

const moved = (step) => {
  step();
  redraw();
  if (sentence.picked) {
    const found = sentence.marks().find((each) => JSON.stringify(each.slice(0, 2)) === JSON.stringify(sentence.picked));
    const asks = found && !sentence.isSpan(found) ? `, proposed, ${Math.round(100 * found[2])}%` : "";
    say(`${sentence.picked[0]}: ${sentence.words(sentence.picked[1])}${asks}`);
  } else say(sentence.selected());
};

const likely = () => {
  let found = false;
  moved(() => { found = sentence.other(); });
  if (!found) say("nothing else is likely");
};

const reach = (end, by) => {
  const change = sentence.reach(end, by);
  if (change) say(`${sentence.picked[0]}: ${sentence.words(sentence.picked[1])}`);
  apply(change);
};

// Types, the list, and what is said of the tagger.
const showTypes = (types) => {
  if (JSON.stringify(types) === JSON.stringify(sentence.types)) return;
  sentence.types = types;
  const buttons = types.map((type, place) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = sentence.hue(type);
    if (place < 10) {
      const key = document.createElement("kbd");
      key.textContent = (place + 1) % 10;
      made.append(key, " ");
    }
    made.append(type);
    made.addEventListener("click", () => { mark(place); $("text").focus(); });
    return made;
  });
  const add = document.createElement("button");
  add.type = "button";
  add.className = "add";
  add.textContent = "Further type ";
  const key = document.createElement("kbd");
  key.textContent = "t";
  add.append(key);
  add.addEventListener("click", () => { $("typing").showModal(); });
  $("types").replaceChildren(...buttons, add);
};

const takeStatus = (given) => {
  const before = status;
  status = given;
  showTypes(given.types);
  const number = list.statuses.length;
  const skipped = given.skipped ? `, ${given.skipped} skipped` : "";
  $("progress").textContent = `${given.done} of ${number.toLocaleString("en")} sentences annotated${skipped}`;
  $("undo").disabled = !given.can_undo;
  $("redo").disabled = !given.can_redo;
  if (!$("doing").classList.contains("hint") || !before || before.actions !== given.actions) {
    $("doing").classList.remove("hint");
    const text = tagger(given);
    if ($("doing").textContent !== text) $("doing").textContent = text;
  }
  $("adapt").hidden = !learns;
  $("adapt").disabled = given.done === 0;
  drawCurve($("curve"), $("plot"), $("caption"), given.points);
  showProblem();
  return before !== null && before.version !== given.version;
};

let learns = true;
const tagger = (given) => {
  if (!learns) return "No checkpoint: nothing new is proposed.";
  if (given.doing) return `It is ${given.doing}.`;
  const left = given.due - given.done;
  const when = left > 0 ? ` It adapts after ${left} more.` : given.learned ? "" : " It adapts as soon as a mention is annotated.";
  if (!given.learned) return `It has learned nothing yet.${when}`;
  return `It has learned from ${given.learned} sentences.${when}`;
};

const watch = async () => {
  try {
    const changed = takeStatus(await get("/api/status"));
    if (changed && outstanding === 0 && sentence.number >= 0 && sentence.status === "open") {
      const [given] = await get(`/api/sentences?full&at=${sentence.number}`);
      if (given.number === sentence.number && given.seen === sentence.seen && outstanding === 0 &&
          JSON.stringify([given.proposals, given.likely]) !== JSON.stringify([sentence.proposals, sentence.likely])) show(given);
    }
    if (lost) problem("");
    lost = false;
  } catch (error) {
    lost = true;
    problem(error.message);
  }
  setTimeout(watch, 1000);
};
let lost = false;

const filter = async () => {
  const words = $("words").value.trim(), which = $("which").value;
  let numbers = null;
  try {
    let all = null;
    if (words) {
      const found = await get(`/api/search?words=${encodeURIComponent(words)}`);
      [numbers, all] = [found.sentences, found.all];
    }
    if (which === "d" && numbers === null) numbers = [...(await get("/api/status")).last];
    else if (which !== "all") {
      numbers = (numbers || list.statuses.map((_, i) => i)).filter((i) => list.statuses[i] === which);
    }
    list.show(numbers);
    const shown = numbers === null ? "" : `${numbers.length.toLocaleString("en")} sentences`;
    $("found").textContent = all !== null && all > numbers.length && which === "all" ? `${shown} of ${all.toLocaleString("en")}` : shown;
  } catch (error) {
    await failed(error);
  }
};

let typing = 0;
$("words").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(filter, 150); });
$("which").addEventListener("change", filter);
$("words").addEventListener("keydown", (event) => {
  if (event.key === "Escape") { $("words").value = ""; filter(); $("text").focus(); }
  else if (event.key === "Enter" && list.size) { go(list.at(0)); $("text").focus(); }
});

const adaptNow = async () => {
  try {
    if (!(await post("/api/adapt", {})).begun) say("it adapts already, or nothing is annotated");
  } catch (error) {
    await failed(error);
  }
};

// What each key does; buttons call the same.
const skip = () => leave(() => apply(whole("skip", "skipped"), next));
const reopen = () => { if (sentence.status !== "open") apply(whole("reopen", "open")); };
const back = () => { if (visited.length) go(visited.pop(), { back: true }); };
const beside = (by) => go(list.beside(heading, by));
const ACTIONS = {
  ArrowLeft: (e) => moved(() => e.altKey ? sentence.trim(!e.shiftKey, -1) : sentence.move(-1, e.shiftKey)),
  ArrowRight: (e) => moved(() => e.altKey ? sentence.trim(!e.shiftKey, 1) : sentence.move(1, e.shiftKey)),
  Home: (e) => moved(() => sentence.move(-1e9, e.shiftKey)),
  End: (e) => moved(() => sentence.move(1e9, e.shiftKey)),
  ArrowUp: () => moved(() => sentence.step(-1)),
  ArrowDown: () => moved(() => sentence.step(1)),
  Escape: () => moved(() => sentence.clear()),
  Enter: (e) => leave(() => done(e.shiftKey)),
  a: () => accept(false), A: () => accept(true), r: reject, x: remove, Delete: remove, Backspace: remove,
  m: likely, ".": () => reach(true, 1), ",": () => reach(true, -1), "<": () => reach(false, -1), ">": () => reach(false, 1),
  "+": () => apply(sentence.join(lastMark)),
  s: skip, o: reopen, n: () => beside(1), p: () => beside(-1), b: back, f: next,
  u: () => leave(() => turn("undo")), U: () => leave(() => turn("redo")),
  "/": () => { $("words").focus(); $("words").select(); },
  t: () => $("typing").showModal(), e: () => $("exporting").showModal(), "?": () => $("keys").showModal(),
};
const BUTTONS = {
  done: () => leave(() => done(false)), accept: () => leave(() => done(true)), likely, skip, reopen, previous: () => beside(-1), next: () => beside(1),
  back, chosen: next, undo: ACTIONS.u, redo: ACTIONS.U, adapt: adaptNow,
};
for (const [id, action] of Object.entries(BUTTONS)) $(id).addEventListener("click", action);

const pressed = (event) => {
  if (document.querySelector("dialog[open]") || event.target.closest("input, select, textarea")) return;
  if (event.target.closest("button, a, summary") && ["Enter", " "].includes(event.key)) return;
  const action = meant(event);
  if (!action) return;
  event.preventDefault();
  if (leaving) waiting.push(action);
  else action();
};

// What a key asks for, or null.
const meant = (event) => {
  if (event.ctrlKey || event.metaKey) {
    const key = event.key.toLowerCase();
    if (key === "z") return event.shiftKey ? ACTIONS.U : ACTIONS.u;
    return key === "y" ? ACTIONS.U : null;
  }
  if (event.target === $("list") && ["ArrowUp", "ArrowDown"].includes(event.key)) {
    return () => beside(event.key === "ArrowDown" ? 1 : -1);
  }
  if (/^[0-9]$/.test(event.key) && !event.altKey) return () => mark((Number(event.key) + 9) % 10);
  const known = Object.hasOwn(ACTIONS, event.key) && (!event.altKey || event.key.startsWith("Arrow"));
  return known ? () => ACTIONS[event.key](event) : null;
};
document.addEventListener("keydown", pressed);

const begin = async () => {
  try {
    const project = await get("/api/project");
    document.title = `Annotate ${project.name}`;
    $("name").textContent = project.name;
    learns = project.learns;
    list.statuses = Array.from(project.statuses);
    dialogs(project.formats, (answer) => { took(answer); redraw(); });
    takeStatus(await get("/api/status"));
    list.show(null);
    await go((await get("/api/next")).sentence ?? 0);
    $("text").focus();
    setTimeout(watch, 1000);
  } catch (error) {
    problem(error.message);
  }
};
begin();
