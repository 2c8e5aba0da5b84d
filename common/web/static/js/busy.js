/* One press is one sending: a second submit of the same form is ignored while the first is on its way. */
(() => {
  "use strict";
  const AGAIN_MS = 10000; // a download leaves the page where it is: then the button comes back
  const free = (form) => {
    delete form.dataset.busy;
    for (const button of form.querySelectorAll("[type=submit]")) button.removeAttribute("aria-disabled");
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.busy) { event.preventDefault(); return; }
    form.dataset.busy = "1";
    for (const button of form.querySelectorAll("[type=submit]")) button.setAttribute("aria-disabled", "true");
    setTimeout(free, AGAIN_MS, form);
  }, true);
  addEventListener("pageshow", () => { for (const form of document.querySelectorAll("form[data-busy]")) free(form); });
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
})();
