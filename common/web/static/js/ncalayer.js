/* Signs a form with NCALayer: <div data-ncalayer="wss://127.0.0.1:13579" …sentences…> inside a form of a key.
   The form asks the server what to sign (`ask`), NCALayer signs it in its own window, the form goes with the signature.
   Any answer but a signature ends in a sentence; the key file can be chosen at every moment, and nothing is sent twice. */
(() => {
  "use strict";
  const TOUCH_MS = 20000;
  const LOCALES = { kk: "kk", ru: "ru" };
  const { NcalayerTrouble: Trouble, askNcalayer } = globalThis.court;

  const watch = (box) => {
    const form = box.closest("form"), file = form.querySelector("[data-key-file]");
    const hidden = (name) => form.querySelector(`input[type=hidden][name=${name}]`);
    const wait = box.querySelector("[data-ncalayer-wait]"), problem = box.querySelector("[data-ncalayer-problem]");
    let running = null;

    const show = (place, sentence) => {
      wait.hidden = place !== wait; problem.hidden = place !== problem;
      if (place) place.querySelector("p").textContent = sentence;
      box.querySelector("[data-ncalayer-said]").textContent = sentence;
    };
    const chosen = () => form.elements.namedItem("key_where").value === "ncalayer";
    const choose = () => {
      const there = chosen();
      box.hidden = !there; file.hidden = there;
      for (const input of file.querySelectorAll("input")) input.disabled = there;
      if (!there) running?.abort();
    };
    const free = () => {
      delete form.dataset.busy;
      for (const button of form.querySelectorAll("[type=submit]")) button.removeAttribute("aria-disabled");
    };

    /** What the server wants signed; null where it answered with a page, which is then in place. */
    const job = async (signal) => {
      hidden("ask").value = "1";
      let answer, text;
      try {
        const options = { method: "POST", body: new FormData(form), credentials: "same-origin", signal };
        answer = await fetch(form.action || location.href, { ...options, headers: { Accept: "application/json, text/html;q=0.5" } });
        text = await answer.text();
      } catch { throw new Trouble(signal.aborted ? "stopped" : "server"); } finally { hidden("ask").value = ""; }
      if (!answer.headers.get("Content-Type")?.startsWith("application/json")) {
        if (!globalThis.court.arrive(text)) throw new Trouble("server");
        return null;
      }
      const said = JSON.parse(text);
      if (said.sentence) throw Object.assign(new Trouble("told"), { sentence: said.sentence });
      return said;
    };

    const run = async (signal) => {
      hidden("signature").value = "";
      for (let again = true; again;) {
        const wanted = await job(signal);
        if (!wanted) return false;
        const ready = () => show(wait, box.dataset.waiting);
        hidden("signature").value = await askNcalayer(box.dataset.ncalayer, wanted, LOCALES[box.dataset.locale] || "en", signal, ready);
        again = wanted.again;
      }
      show(wait, box.dataset.sending);
      form.submit(); // as if pressed without a script: the answer is a page
      return true;
    };

    const start = async () => {
      running = new AbortController();
      const touch = setInterval(() => document.dispatchEvent(new Event("input")), TOUCH_MS); // a hand is at NCALayer's window
      show(wait, box.dataset.connecting);
      let gone = false;
      try { gone = await run(running.signal); } catch (trouble) {
        if (!(trouble instanceof Trouble)) throw trouble;
        if (trouble.message === "stopped") show(null, "");
        else show(problem, trouble.sentence || box.dataset[trouble.message]);
        hidden("signature").value = "";
      } finally {
        clearInterval(touch);
        if (!gone) { running = null; free(); }
      }
    };

    form.addEventListener("change", (event) => { if (event.target.name === "key_where") choose(); });
    form.addEventListener("submit", (event) => {
      if (!chosen()) return;
      event.preventDefault();
      if (!running) start();
    });
    box.querySelector("[data-ncalayer-stop]").addEventListener("click", () => running?.abort());
    addEventListener("pageshow", (event) => { if (event.persisted) { running = null; show(null, ""); } choose(); });
    form.querySelector("[data-ncalayer-way]").hidden = false;
    choose();
  };

  const all = () => {
    for (const box of document.querySelectorAll("[data-ncalayer]:not([data-watched])")) { box.dataset.watched = ""; watch(box); }
  };
  document.addEventListener("court:page", all);
  all();
})();
