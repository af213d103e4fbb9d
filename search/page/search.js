// The search box: results as you type, asked again when something changes.

import { getJson } from "./api.js";
import { age, duration, element } from "./format.js";

const TYPING_PAUSE = 120;
const CHANGE_PAUSE = 500;
const RESULTS = 8;

export class Search {
  constructor() {
    this.input = document.getElementById("query");
    this.list = document.getElementById("results");
    this.found = document.getElementById("found");
    this.took = document.getElementById("took");
    this.versions = new Map();
    this.asked = "";
    this.timer = 0;
    this.running = null;
    this.input.addEventListener("input", () => this.later(TYPING_PAUSE));
    document.getElementById("search").addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask();
    });
    document.addEventListener("key-given", () => this.ask());
  }

  /** Something became searchable: the answer may be another one now. */
  changed() {
    if (this.asked && !this.timer && !this.running) this.later(CHANGE_PAUSE);
  }

  later(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), pause);
  }

  async ask() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.running?.abort();
    const query = this.input.value.trim();
    if (!query) {
      this.asked = "";
      this.running = null;
      this.list.replaceChildren();
      this.took.textContent = "";
      this.say("Results come as you type.");
      return;
    }
    const running = (this.running = new AbortController());
    try {
      const address = `search?${new URLSearchParams({ q: query, k: String(RESULTS) })}`;
      const answer = await getJson(address, { signal: running.signal });
      this.show(query, answer);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.list.replaceChildren();
      this.took.textContent = "";
      this.say(error.message);
    } finally {
      if (this.running === running) this.running = null;
    }
  }

  show(query, answer) {
    const again = query === this.asked;
    const before = again ? this.versions : new Map();
    this.asked = query;
    this.versions = new Map(answer.results.map((one) => [one.id, one.version]));
    const fresh = (one) => again && before.get(one.id) !== one.version;
    this.list.replaceChildren(...answer.results.map((one) => result(one, fresh(one))));
    const many = answer.results.length;
    this.say(many === 0 ? "Nothing found." : many === 1 ? "1 result." : `${many} results.`);
    this.took.textContent = `${answer.took_ms.total.toFixed(1)} ms`;
  }

  /** Only where it changed, so that a screen reader is not told the same again. */
  say(text) {
    if (this.found.textContent !== text) this.found.textContent = text;
  }
}

function result(one, fresh) {
  const facts = element("span", { className: "facts" });
  if (one.age_seconds !== null) facts.append(age(Date.now() - one.age_seconds * 1000, "changed "));
  if (one.freshness_ms !== null) facts.append(`, searchable after ${duration(one.freshness_ms)}`);
  facts.append(` · similarity ${one.score.toFixed(3)}`);
  return element(
    "li",
    { className: fresh ? "fresh" : "" },
    element("span", { className: "id", textContent: one.id }),
    " ",
    facts,
    element("p", { className: "text", textContent: one.text }),
  );
}
