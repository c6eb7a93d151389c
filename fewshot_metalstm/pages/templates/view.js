
"use strict";
(() => {
  const form = document.getElementById("filters");
  const rows = Array.from(document.querySelectorAll(".sentence"));
  const shown = document.getElementById("shown");
  let texts = null;
  // The sentence alone, without the labels.
  const textOf = (row) => {
    let text = "";
    for (const node of row.querySelector(".s").childNodes) {
      if (node.nodeType === Node.TEXT_NODE) text += node.data;
      else if (node.tagName === "MARK") text += node.firstChild.data;
    }
    return text.replace(/\s+/g, " ").toLowerCase();
  };
  const chosen = (name) =>
    new Set(Array.from(form.querySelectorAll(`input[name=${name}]:checked`), (box) => box.value));
  const apply = () => {
    const kinds = chosen("kind"), types = chosen("type"), gold = form.querySelector("[name=kind]") !== null;
    const words = form.elements.words.value.replace(/\s+/g, " ").trim().toLowerCase();
    const sure = Number(form.elements.sure.value);
    form.elements.sure_out.value = `${sure}%`;
    if (words && texts === null) texts = rows.map(textOf);
    let number = 0;
    rows.forEach((row, i) => {
      const own = (key) => (row.dataset[key] || "none").split(" ");
      const show =
        (!gold || own("k").some((kind) => kinds.has(kind))) &&
        own("t").some((type) => types.has(type)) &&
        (sure === 100 || (row.dataset.c !== "" && 100 * Number(row.dataset.c) <= sure)) &&
        (!words || texts[i].includes(words));
      row.hidden = !show;
      number += show;
    });
    shown.value = `${number} of ${rows.length} shown`;
  };
  const step = (by) => {
    const visible = rows.filter((row) => !row.hidden);
    if (!visible.length) return;
    const at = visible.indexOf(document.activeElement);
    let next = at + by;
    if (at < 0) {
      const below = visible.findIndex((row) => row.getBoundingClientRect().top > form.offsetHeight);
      next = below < 0 ? 0 : below;
    }
    const row = visible[Math.max(0, Math.min(visible.length - 1, next))];
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "center" });
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input[type=search]")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "/") form.elements.words.focus();
    else if (event.key === "e") {
      const box = form.querySelector("[value=clean]");
      if (box) { box.checked = !box.checked; apply(); }
    } else return;
    event.preventDefault();
  });
  apply();
})();
