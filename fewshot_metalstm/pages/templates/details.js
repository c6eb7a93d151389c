"use strict";
// Whoever prints the page wants the numbers too.
addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("details")) each.open = true;
});
