/* What is said to NCALayer on this machine: court.askNcalayer(address, job, locale, signal, ready) gives the CMS of `job.content`,
   or ends with a court.NcalayerTrouble whose message names the sentence to show; `ready` is called when its window opens.
   Protocol: NCALayer 1.4, module basics; where it is missing, the old commonUtils without a timestamp. No tsaProfile: a
   timestamp needs the network, and the register adds its own. */
(() => {
  "use strict";
  const CONNECT_MS = 5000, HELLO_MS = 5000, SIGN_MS = 240000;
  const BASICS = "kz.gov.pki.knca.basics", UTILS = "kz.gov.pki.knca.commonUtils", FILE_STORE = "PKCS12";
  const SIGNING_KEYS = "1.3.6.1.5.5.7.3.4"; // extended key usage: e-mail protection, which every signing key has

  class Trouble extends Error {} // its message names the sentence to show

  const parsed = (text) => {
    try { return JSON.parse(text) ?? {}; } catch { throw new Trouble("unreadable"); }
  };

  /** One conversation; `signal` ends it at any moment. One request at a time, answers carry no number. */
  class Talk {
    #socket; #waiting = null; #early = []; #over = null;

    static open(address, signal) {
      const talk = new Talk();
      return new Promise((done, fail) => {
        signal.addEventListener("abort", () => { talk.close(); fail(new Trouble("stopped")); });
        const late = setTimeout(() => { talk.close(); fail(new Trouble("absent")); }, CONNECT_MS);
        const socket = talk.#socket = new WebSocket(address);
        let opened = false;
        socket.onopen = () => { opened = true; clearTimeout(late); done(talk); };
        socket.onmessage = (event) => talk.#hear(event.data);
        socket.onclose = () => {
          clearTimeout(late);
          if (!opened) fail(new Trouble("absent"));
          talk.#end(new Trouble("broken"));
        };
      });
    }

    #hear(text) {
      if (this.#waiting) this.#waiting.done(text); else this.#early.push(text);
    }

    #end(trouble) {
      this.#over ??= trouble;
      this.#waiting?.fail(trouble);
    }

    next(ms) {
      return new Promise((done, fail) => {
        if (this.#early.length) { done(this.#early.shift()); return; }
        if (this.#over) { fail(this.#over); return; }
        const late = setTimeout(() => this.#waiting.fail(new Trouble("silent")), ms);
        const end = (act) => (value) => { clearTimeout(late); this.#waiting = null; act(value); };
        this.#waiting = { done: end(done), fail: end(fail) };
      });
    }

    async ask(request) {
      this.#socket.send(JSON.stringify(request));
      return parsed(await this.next(SIGN_MS));
    }

    close() {
      this.#end(new Trouble("stopped"));
      this.#socket?.close();
    }
  }

  const isMissing = (answer) => [answer.errorCode, answer.code].includes("MODULE_NOT_FOUND");

  /** The CMS in a result: a text, the first of an array, or {signatures, certificate}. */
  const signatureIn = (result) => {
    const one = Array.isArray(result) ? result[0] : Array.isArray(result?.signatures) ? result.signatures[0] : result;
    if (typeof one !== "string" || !one.trim()) throw new Trouble("unreadable");
    return one;
  };

  const byBasics = async (talk, job, locale) => {
    const signerParams = { extKeyUsageOids: [SIGNING_KEYS], chain: [] }; // which centres are trusted is the server's to say
    if (job.iin) signerParams.iin = job.iin;
    if (job.bin) signerParams.bin = job.bin;
    const answer = await talk.ask({
      module: BASICS, method: "sign",
      args: {
        allowedStorages: null, format: "cms", data: job.content,
        signingParams: { decode: true, encapsulate: false, digested: false },
        signerParams, locale,
      },
    });
    if (answer.status === true) {
      if (answer.body?.result === undefined) throw new Trouble("canceled");
      return signatureIn(answer.body.result);
    }
    if (isMissing(answer)) return null;
    throw new Trouble(answer.status === false ? "failed" : "unreadable");
  };

  const said = (answer) => {
    if (isMissing(answer)) throw new Trouble("module");
    if (answer.code === "200") return answer.responseObject;
    throw new Trouble(answer.message === "action.canceled" ? "canceled" : answer.code === undefined ? "unreadable" : "failed");
  };

  const byUtils = async (talk, job) => {
    const tokens = said(await talk.ask({ module: UTILS, method: "getActiveTokens" }));
    const storage = (Array.isArray(tokens) && tokens[0]) || FILE_STORE;
    const args = [storage, "SIGNATURE", job.content, false];
    return signatureIn(said(await talk.ask({ module: UTILS, method: "createCAdESFromBase64", args })));
  };

  const askNcalayer = async (address, job, locale, signal, ready) => {
    const talk = await Talk.open(address, signal);
    try {
      const hello = parsed(await talk.next(HELLO_MS));
      if (typeof hello.result?.version !== "string") throw new Trouble("unreadable");
      ready();
      return (await byBasics(talk, job, locale)) ?? (await byUtils(talk, job));
    } finally { talk.close(); }
  };

  Object.assign(globalThis.court, { askNcalayer, NcalayerTrouble: Trouble });
})();
