"use strict";
// A wide map is first shown whole; a click, or Enter, shows it in the size in which names are read.
for (const figure of document.querySelectorAll("figure.whole")) {
  figure.tabIndex = 0;
  figure.title = "Click to enlarge or to fit";
  const toggle = () => figure.classList.toggle("large");
  figure.addEventListener("click", toggle);
  figure.addEventListener("keydown", (event) => { if (event.key === "Enter") toggle(); });
}
