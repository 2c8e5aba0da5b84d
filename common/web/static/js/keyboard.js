/* The kiosk's own keyboard: <div data-keys>. It opens when a finger touches a field; a real keyboard never meets it.
   The nine Kazakh letters are always there; digits only where only digits are asked; masked fields never echo. */
(() => {
  "use strict";
  const keys = document.querySelector("[data-keys]");
  if (!keys) return;
  const KAZAKH = "әіңғүұқөһ";
  const LETTERS = ["йцукенгшщзхъ", "фывапролджэ", "ячсмитьбюё.,"];
  const LATIN = ["qwertyuiop", "asdfghjkl@", "zxcvbnm._-"];
  const SIGNS = ["№«»\"'()/:;", "!?%+=*#&§₸", "@_—–<>[]{}"];
  const DIGITS = ["123", "456", "789", ".0/"];
  const TYPES = ["text", "password", "email", "tel", "search", "number"];
  let target = null, layer = "letters", capital = false, before = "";

  const button = (label, act, extra = "", name = "", drawing = "") => {
    const made = document.createElement("button");
    made.type = "button"; made.className = extra;
    if (drawing) {
      made.innerHTML = `<svg class="bi" aria-hidden="true"><use href="${keys.dataset.icons}#${drawing}"/></svg>`;
      const word = document.createElement("span");
      word.className = "visually-hidden"; word.textContent = name;
      made.append(word);
    } else made.textContent = label;
    made.addEventListener("click", act);
    return made;
  };

  const put = (text) => {
    target.setRangeText(text, target.selectionStart, target.selectionEnd, "end");
    target.dispatchEvent(new InputEvent("input", { bubbles: true, data: text }));
    if (capital) { capital = false; draw(); }
  };
  const erase = () => {
    const end = target.selectionEnd, start = target.selectionStart === end ? Math.max(0, end - 1) : target.selectionStart;
    target.setRangeText("", start, end, "end");
    target.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "deleteContentBackward" }));
  };
  const move = (by) => {
    const at = Math.max(0, Math.min(target.value.length, target.selectionEnd + by));
    target.setSelectionRange(at, at);
  };
  const enter = () => {
    if (target.tagName === "TEXTAREA") { put("\n"); return; }
    const fields = [...target.form.elements].filter((one) => one.offsetParent && !one.disabled && one.type !== "hidden");
    const next = fields[fields.indexOf(target) + 1];
    if (next) next.focus(); else close();
  };

  const row = (made) => { const line = document.createElement("div"); line.append(...made); keys.append(line); };
  const typed = (letters, extra = "") => [...letters].map((letter) => {
    const shown = capital ? letter.toUpperCase() : letter;
    return button(shown, () => put(shown), extra);
  });
  const switchTo = (to) => () => { layer = to; draw(); };

  const draw = () => {
    const say = keys.dataset, digits = target.inputMode === "numeric";
    keys.replaceChildren();
    keys.classList.toggle("is-quiet", target.type === "password");
    const backspace = button("", erase, "wide", say.back, "backspace");
    if (digits) {
      for (const line of DIGITS) row(typed(line));
      row([backspace, button(say.enter, enter, "wide"), button(say.close, close, "wide")]);
      return;
    }
    row([...typed("1234567890-"), backspace]);
    if (layer === "letters") row(typed(KAZAKH, "kk"));
    const lines = { letters: LETTERS, latin: LATIN, signs: SIGNS }[layer];
    row(typed(lines[0]));
    row([...typed(lines[1]), button(say.enter, enter, "wide")]);
    row([button("", () => { capital = !capital; draw(); }, "wide", say.shift, "shift"), ...typed(lines[2])]);
    row([
      layer === "latin" ? button("ҚАЗ", switchTo("letters"), "wide") : button("ABC", switchTo("latin"), "wide"),
      layer === "signs" ? button("ҚАЗ", switchTo("letters"), "wide") : button("№ / «»", switchTo("signs"), "wide"),
      button(say.space, () => put(" "), "space"),
      button("", () => move(-1), "", say.left, "arrow-left"), button("", () => move(1), "", say.right, "arrow-right"),
      button(say.close, close, "wide"),
    ]);
  };

  const open = (field) => {
    target = field; before = field.value; capital = false;
    layer = ["password", "email"].includes(field.type) ? "latin" : "letters";
    draw();
    keys.hidden = false;
    document.documentElement.classList.add("has-keys");
    field.scrollIntoView({ block: "center" });
  };
  const close = () => {
    if (!target) return;
    const left = target;
    target = null; keys.hidden = true;
    document.documentElement.classList.remove("has-keys");
    // what a program wrote fires no change of its own: say it, or autosave would never hear of it
    if (left.value !== before) left.dispatchEvent(new Event("change", { bubbles: true }));
  };

  const writable = (field) => (field.tagName === "TEXTAREA" || (field.tagName === "INPUT" && TYPES.includes(field.type))) && !field.readOnly;
  let finger = false;
  addEventListener("pointerdown", (event) => { finger = event.pointerType === "touch"; }, true);
  addEventListener("focusin", (event) => {
    if (target && event.target !== target) close();
    if (finger && writable(event.target)) open(event.target);
  });
  keys.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
  keys.addEventListener("mousedown", (event) => event.preventDefault());
  addEventListener("submit", close, true);
})();
