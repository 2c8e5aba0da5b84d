/* A page that shows the state of things looks again by itself, but not under the eyes of somebody who opened a table or
   stands with the keyboard on something, and not in the background. */
(() => {
  "use strict";
  const seconds = Number(document.documentElement.dataset.reload);
  if (!seconds) return;
  setInterval(() => {
    const busy = document.hidden || document.querySelector("details[open]") || document.activeElement !== document.body;
    if (busy) return;
    sessionStorage.looksAgain = "1"; // for idle.js
    location.reload();
  }, seconds * 1000);
})();
