/* A file field in the language of the page: <input type="file" data-choose="Choose" data-other="Another" data-none="None yet">.
   The browser's own words are in its own language. The real field lies unseen over the drawn one and does all the work. */
(() => {
  "use strict";
  const dress = (input) => {
    const [box, name, verb] = ["div", "span", "b"].map((kind) => document.createElement(kind));
    box.className = "picked choose";
    if (input.classList.contains("w-half")) box.classList.add("w-half");
    verb.setAttribute("aria-hidden", "true");
    const tell = () => {
      const names = [...input.files].map((file) => file.name).join(", ");
      name.textContent = names || input.dataset.none;
      name.classList.toggle("mute", !names);
      verb.textContent = names ? input.dataset.other : input.dataset.choose;
    };
    input.before(box);
    box.append(input, name, verb);
    input.addEventListener("change", tell);
    addEventListener("pageshow", tell);
    tell();
  };
  const all = () => { for (const input of document.querySelectorAll("input[type=file][data-choose]")) if (!input.closest(".choose")) dress(input); };
  document.addEventListener("court:page", all);
  all();
})();
