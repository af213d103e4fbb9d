// The stream of changes, newest first.

import { age, duration, element } from "./format.js";

const SHOWN = 50;
const PROMISE_MS = 100;

export class Changes {
  constructor() {
    this.body = document.getElementById("changes");
    this.skipped = document.getElementById("skipped");
    this.missed = 0;
    this.paused = false;
    const button = document.getElementById("pause");
    button.addEventListener("click", () => {
      this.paused = !this.paused;
      button.setAttribute("aria-pressed", String(this.paused));
      button.textContent = this.paused ? "Go on" : "Pause";
      this.tell();
    });
    this.body.append(row("empty", cell("None yet: save a file or publish something.", "empty", 4)));
    this.seen = new Set();
  }

  add({ changes, skipped }) {
    if (this.paused) {
      this.missed += changes.length + skipped;
      this.tell();
      return;
    }
    const fresh = changes.filter((one) => !this.seen.has(key(one)));
    if (fresh.length > 0) this.body.querySelector("tr.empty")?.remove();
    for (const one of fresh) {
      this.seen.add(key(one));
      this.body.prepend(shown(one));
    }
    while (this.body.children.length > SHOWN) this.body.lastElementChild.remove();
    if (this.seen.size > 10 * SHOWN) this.seen = new Set([...this.seen].slice(-SHOWN));
    this.missed = skipped;
    this.tell();
  }

  tell() {
    const more = this.missed > 0 ? `${this.missed} more not shown` : "";
    this.skipped.textContent = this.paused ? `Paused. ${more}` : more;
  }
}

const key = (one) => `${one.version} ${one.id}`;

function shown(one) {
  const what = one.deleted ? "deleted" : one.chunks === 1 ? "1 chunk" : `${one.chunks} chunks`;
  const within = one.freshness_ms === null ? "" : one.freshness_ms <= PROMISE_MS ? "good" : "bad";
  return row("", cell(one.id, "id"), cell(what), cell(duration(one.freshness_ms), `number ${within}`), cell(age(one.at), "number"));
}

const row = (className, ...cells) => element("tr", { className }, ...cells);
const cell = (content, className = "", colSpan = 1) => element("td", { className, colSpan }, content);
