/* One press is one sending: a second submit of the same form is ignored while the first is on its way. */
(() => {
  "use strict";
  const AGAIN_MS = 10000; // a download leaves the page where it is: then the button comes back
  const SLOW_MS = 700; // what takes longer says so; an upload shows its own bar
  const wait = (form, near) => {
    if (!form.dataset.busy || form.matches("[data-upload]")) return;
    const line = document.createElement("p");
    line.className = "progress-row";
    line.setAttribute("role", "status");
    line.append(document.createElement("progress"), document.body.dataset.wait);
    line.firstChild.setAttribute("aria-hidden", "true");
    near.before(line);
    form.dataset.waiting = "1";
  };
  const free = (form) => {
    if (form.dataset.waiting) form.querySelector("p.progress-row[role=status]")?.remove();
    delete form.dataset.waiting;
    delete form.dataset.busy;
    for (const button of form.querySelectorAll("[type=submit]")) button.removeAttribute("aria-disabled");
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.busy) { event.preventDefault(); return; }
    form.dataset.busy = "1";
    for (const button of form.querySelectorAll("[type=submit]")) button.setAttribute("aria-disabled", "true");
    setTimeout(wait, SLOW_MS, form, event.submitter?.closest("p, .go") || form.lastElementChild || form);
    setTimeout(free, AGAIN_MS, form);
  }, true);
  addEventListener("pageshow", () => { for (const form of document.querySelectorAll("form[data-busy]")) free(form); });
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
})();
