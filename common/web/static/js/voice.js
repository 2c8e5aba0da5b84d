/* Reads the page aloud where the machine has a voice for its language; where it has none, the button stays hidden. */
(() => {
  "use strict";
  const button = document.querySelector("[data-voice]");
  if (!button || !("speechSynthesis" in window)) return;
  const language = document.documentElement.lang;
  const word = button.querySelector("span"), start = word.textContent;
  const voice = () => speechSynthesis.getVoices().find((one) => one.lang.toLowerCase().startsWith(language));
  const look = () => { button.hidden = !voice(); };
  const rest = () => { speechSynthesis.cancel(); word.textContent = start; };

  const read = () => {
    const blocks = [...document.querySelectorAll("main :is(h1, h2, h3, p, li, dt, dd, legend, label, td)")].filter((one) => one.offsetParent);
    const texts = blocks.filter((one) => !blocks.some((outer) => outer !== one && outer.contains(one))).map((one) => one.innerText.trim());
    for (const text of texts.filter(Boolean)) {
      const said = new SpeechSynthesisUtterance(text);
      said.lang = language; said.voice = voice();
      speechSynthesis.speak(said);
    }
    word.textContent = button.dataset.stop;
  };

  button.addEventListener("click", () => (speechSynthesis.speaking ? rest() : read()));
  speechSynthesis.addEventListener("voiceschanged", look);
  addEventListener("pagehide", rest);
  look();
})();
