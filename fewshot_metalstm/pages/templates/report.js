
"use strict";
// Details are closed on the screen, and no paper can open them.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
