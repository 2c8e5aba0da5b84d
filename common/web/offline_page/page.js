/* A talon checked with nothing but this file: the QR code's text, or the talon's PDF, against the register's pinned key.
   The forms are those of the protocol: base45 (RFC 9285), COSE_Sign1 with Ed25519 (PROTOCOL 3.2, 3.3), R0 (PROTOCOL 9). */
"use strict";

const facts = JSON.parse(document.getElementById("facts").textContent);
const R0 = "application/sot-r0+cbor";
const CERTIFICATE = "application/sot-node-certificate+cbor";
const PREFIX = "SOT1:";
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const FILE_BYTES_MAX = 64 * 1024 * 1024;
const STREAM_BYTES_MAX = 256 * 1024;
const HOURS = 5; // Kazakhstan
let language = facts.language;
let last = null;

/** What is wrong, by the key of its sentence; `tone` is bad (false) or unknown (nobody can tell here). */
class Refused extends Error {
  constructor(word, tone = "bad") {
    super(word);
    this.word = word;
    this.tone = tone;
  }
}

function base45(text) {
  const bytes = [];
  for (let at = 0; at < text.length; at += 3) {
    const group = [...text.slice(at, at + 3)].map((letter) => ALPHABET.indexOf(letter));
    if (group.length === 1 || group.includes(-1)) throw new Refused("broken");
    const number = group.reduce((sum, value, place) => sum + value * 45 ** place, 0);
    if (number >= 256 ** (group.length - 1)) throw new Refused("broken");
    if (group.length === 3) bytes.push(number >> 8);
    bytes.push(number & 255);
  }
  return Uint8Array.from(bytes);
}

/** Read one CBOR value of the kinds that the protocol has; every other byte is refused. */
function cbor(bytes) {
  let at = 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = new TextDecoder("utf-8", { fatal: true });
  function take(count) {
    if (count > bytes.length - at) throw new Refused("broken");
    at += count;
    return at - count;
  }
  function size(low) {
    if (low < 24) return low;
    if (low === 24) return view.getUint8(take(1));
    if (low === 25) return view.getUint16(take(2));
    if (low === 26) return view.getUint32(take(4));
    if (low === 27) return Number(view.getBigUint64(take(8)));
    throw new Refused("broken");
  }
  function value(depth) {
    if (depth > 8) throw new Refused("broken");
    const head = view.getUint8(take(1));
    const count = size(head & 31);
    switch (head >> 5) {
      case 0: return count;
      case 1: return -1 - count;
      case 2: { const from = take(count); return bytes.slice(from, from + count); }
      case 3: { const from = take(count); return text.decode(bytes.subarray(from, from + count)); }
      case 4: return Array.from({ length: Math.min(count, 64) }, () => value(depth + 1));
      case 5: return new Map(Array.from({ length: Math.min(count, 64) }, () => [value(depth + 1), value(depth + 1)]));
      case 6: return { tag: count, value: value(depth + 1) };
      default: throw new Refused("broken");
    }
  }
  const found = value(0);
  if (at !== bytes.length) throw new Refused("broken");
  return found;
}

function header(major, count) {
  if (count < 24) return [(major << 5) | count];
  if (count < 256) return [(major << 5) | 24, count];
  if (count < 65536) return [(major << 5) | 25, count >> 8, count & 255];
  return [(major << 5) | 26, count >>> 24, (count >> 16) & 255, (count >> 8) & 255, count & 255];
}

function joined(...parts) {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function parse(message) {
  const found = cbor(message);
  const parts = found?.tag === 18 && Array.isArray(found.value) && found.value.length === 4 ? found.value : [];
  const [guarded, open, payload, signature] = parts;
  if (!(guarded instanceof Uint8Array && open instanceof Map && open.size === 0 && payload instanceof Uint8Array)) throw new Refused("broken");
  const head = cbor(guarded);
  const known = head instanceof Map && head.size === 3 && head.get(1) === -8 && head.get(4) instanceof Uint8Array;
  if (!known || !(signature instanceof Uint8Array) || signature.length !== 64) throw new Refused("broken");
  return { type: head.get(3), keyId: hex(head.get(4)), payload, guarded, signature };
}

async function signedBy(message, key) {
  const environment = unhex(facts.environment);
  const name = new TextEncoder().encode("Signature1");
  const strings = [message.guarded, environment, message.payload].map((part) => joined(header(2, part.length), part));
  const data = joined([0x84], header(3, name.length), name, ...strings);
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  } catch {
    throw new Refused("browser", "unknown");
  }
  return crypto.subtle.verify({ name: "Ed25519" }, imported, message.signature, data);
}

async function machineOf(certificate) {
  const message = parse(certificate);
  if (message.type !== CERTIFICATE || !(await signedBy(message, unhex(facts.registry)))) throw new Refused("foreign");
  const body = cbor(message.payload);
  if (hex(body.get("environment")) !== facts.environment || body.get("sign").length !== 32) throw new Refused("foreign");
  return { node: body.get("node"), key: body.get("sign") };
}

/** Return what the receipt says; `beside` is the machine's certificate where the paper brought one. */
async function check(receipt, beside) {
  if (!globalThis.crypto?.subtle) throw new Refused("browser", "unknown");
  const message = parse(receipt);
  if (message.type !== R0) throw new Refused("other");
  const listed = facts.certificates[message.keyId];
  const certificate = listed ? unbase64(listed) : beside;
  if (!certificate) throw new Refused("stranger", "unknown");
  if ((await sha256(certificate)).slice(0, 16) !== message.keyId) throw new Refused("tampered");
  const machine = await machineOf(certificate);
  if (!(await signedBy(message, machine.key))) throw new Refused("tampered");
  const said = cbor(message.payload);
  if (said.get("node") !== machine.node) throw new Refused("tampered");
  return { talon: String(said.get("talon")).padStart(15, "0"), node: machine.node, at: said.get("at"), statement: hex(said.get("statement")), leaf: hex(said.get("leaf")), witness: said.get("witness") === 1 };
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function unhex(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function unbase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

async function sha256(bytes) {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

async function inflated(bytes) {
  try {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const reader = stream.getReader();
    const parts = [];
    let size = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return joined(...parts);
      size += value.length;
      if (size > STREAM_BYTES_MAX) return reader.cancel().then(() => null);
      parts.push(value);
    }
  } catch {
    return null;
  }
}

/** Return the receipt and the certificate embedded in a talon's PDF. */
async function inPdf(bytes) {
  const text = new TextDecoder("latin1").decode(bytes);
  const found = {};
  for (const match of text.matchAll(/stream\r?\n/g)) {
    const from = match.index + match[0].length;
    const end = text.indexOf("endstream", from);
    if (text.slice(match.index - 3, match.index) === "end" || end < 0 || end - from > STREAM_BYTES_MAX) continue;
    const raw = bytes.slice(from, end);
    for (const data of [raw, await inflated(raw)]) {
      if (data?.[0] !== 0xd2) continue;
      for (let cut = 0; cut < 3; cut += 1) {
        try {
          const whole = data.slice(0, data.length - cut);
          found[parse(whole).type] ??= whole;
          break;
        } catch { /* line ends before "endstream" are no part of it */ }
      }
    }
  }
  if (!found[R0]) throw new Refused("other");
  return found;
}

async function inPicture(file) {
  if (!("BarcodeDetector" in globalThis)) throw new Refused("picture", "unknown");
  const picture = await createImageBitmap(file).catch(() => { throw new Refused("other"); });
  const codes = await new BarcodeDetector({ formats: ["qr_code"] }).detect(picture);
  const code = codes.find((each) => each.rawValue.startsWith(PREFIX));
  if (!code) throw new Refused("no_code", "unknown");
  return code.rawValue;
}

async function given() {
  const file = document.getElementById("file").files[0];
  let text = document.getElementById("code").value.replace(/^[\s\ufeff]+/, "").replace(/[\r\n\t]/g, "").trimEnd();
  if (file) {
    if (file.size > FILE_BYTES_MAX) throw new Refused("large");
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (String.fromCharCode(...bytes.slice(0, 5)) === "%PDF-") {
      const found = await inPdf(bytes);
      return [found[R0], found[CERTIFICATE]];
    }
    if (bytes[0] === 0xd2) return [bytes, null];
    const plain = new TextDecoder("latin1").decode(bytes.slice(0, 4000)).replace(/^[\s\ufeff\u00ef\u00bb\u00bf]+/, "");
    text = plain.startsWith(PREFIX) ? plain.replace(/[\r\n\t]/g, "").trimEnd() : await inPicture(file);
  }
  if (!text) throw new Refused("nothing", "unknown");
  if (!text.startsWith(PREFIX)) throw new Refused("other");
  return [base45(text.slice(PREFIX.length)), null];
}

async function statement(said) {
  const file = document.getElementById("statement").files[0];
  if (!file || file.size > FILE_BYTES_MAX) return "";
  return (await sha256(new Uint8Array(await file.arrayBuffer()))) === said.statement ? "same" : "not_same";
}

function moment(ms) {
  const local = new Date(ms + HOURS * 3600000).toISOString();
  return `${local.slice(8, 10)}.${local.slice(5, 7)}.${local.slice(0, 4)}, ${local.slice(11, 19)} (UTC+${HOURS})`;
}

function word(key) {
  return facts.words[language][key];
}

function element(name, text, className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function show() {
  document.documentElement.lang = language;
  document.title = word("title");
  for (const each of document.querySelectorAll("[data-word]")) each.textContent = word(each.dataset.word);
  for (const each of document.querySelectorAll("#languages button")) each.setAttribute("aria-pressed", each.lang === language);
  document.getElementById("fingerprint").textContent = facts.fingerprint.match(/.{1,8}/g).join(" ");
  document.getElementById("made").textContent = `${word("made")} ${moment(facts.made)}. ${word("machines")} ${Object.keys(facts.certificates).length}.`;
  if (last) answer(...last);
}

function answer(tone, key, said, compared) {
  last = [tone, key, said, compared];
  const section = document.getElementById("answer");
  section.className = tone;
  section.replaceChildren(element("h2", word({ ok: "genuine", bad: "not_genuine", unknown: "cannot_tell" }[tone])));
  if (key) section.append(element("p", word(key)));
  if (said) {
    const list = document.createElement("dl");
    const rows = { talon: said.talon.match(/.../g).join(" "), machine: String(said.node).padStart(4, "0"), taken: moment(said.at), hash: said.statement };
    for (const [name, value] of Object.entries(rows)) list.append(element("dt", word(name)), element("dd", value, name === "hash" ? "hash" : ""));
    section.append(list);
    if (said.witness) section.append(element("p", word("witness")));
    if (facts.excluded.includes(said.node)) section.append(element("p", word("excluded")));
    if (compared === "same") section.append(element("p", word("same")));
    section.append(element("p", word("limits")));
  }
  section.hidden = false;
}

document.getElementById("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const [receipt, certificate] = await given();
    const said = await check(receipt, certificate);
    const compared = await statement(said);
    if (compared === "not_same") answer("bad", "not_same", said, compared);
    else answer("ok", "", said, compared);
  } catch (error) {
    // an error of no kind of ours is a form that was not expected: it is not genuine
    answer(error instanceof Refused ? error.tone : "bad", error instanceof Refused ? error.word : "broken", null, "");
  }
  document.getElementById("answer").focus();
});

for (const [code, name] of Object.entries(facts.languages)) {
  const button = element("button", name);
  button.type = "button";
  button.lang = code;
  button.addEventListener("click", () => { language = code; show(); });
  document.getElementById("languages").append(button);
}
show();
