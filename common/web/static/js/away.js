/* Who works on a page is here, though the server hears nothing of it: touches, keys and a recording that plays tell it, so that a
   session does not end under somebody's hands: <body data-here="address">. Where it has ended all the same, the desk says so before
   a form is sent: <div data-away hidden>. What was written stays on the page alone, and goes once somebody has signed in again
   in another window. The answer is {"token": "…"}, empty where nobody is signed in. */
(() => {
  "use strict";
  const EVERY_MS = 2 * 60000; // a kiosk's session lives ten minutes without it
  const address = document.body.dataset.here, away = document.querySelector("[data-away]");
  if (!address) return;
  let told = Date.now(), telling = null;

  const tell = async () => {
    told = Date.now();
    const answer = await fetch(address, { credentials: "same-origin" }).catch(() => null);
    const said = answer?.ok ? await answer.json() : null;
    telling = null;
    if (!away || !said) return true; // where the machine does not answer, the form itself will say so
    away.hidden = Boolean(said.token);
    if (said.token) for (const field of document.querySelectorAll("input[name=csrf_token]")) field.value = said.token;
    return away.hidden;
  };
  const look = () => (telling ||= tell());
  const old = () => Date.now() - told > EVERY_MS;

  for (const kind of ["pointerdown", "keydown", "input", "wheel", "touchmove", "timeupdate"]) {
    addEventListener(kind, () => { if (old()) look(); }, { passive: true, capture: true });
  }
  if (!away) return;
  document.addEventListener("visibilitychange", () => { if (!document.hidden && !away.hidden) look(); });
  // set before busy.js sets its own: a form that waits here is not on its way
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || !form.closest("main") || (away.hidden && !telling && !old())) return;
    event.preventDefault(); event.stopImmediatePropagation();
    look().then((here) => { if (here) form.requestSubmit(event.submitter); else away.querySelector("a").focus(); });
  }, true);
})();
