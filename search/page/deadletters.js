// Dead letters with their reasons, and a button that sends one back.

import { getJson, postJson } from "./api.js";
import { age, element } from "./format.js";

const READ_PAUSE = 1000;

export class DeadLetters {
  constructor() {
    this.body = document.getElementById("dead");
    this.answer = document.getElementById("dead-answer");
    this.end = undefined;
    this.timer = 0;
  }

  /** `end` changes with each letter and each redrive. */
  at(end) {
    if (end === null || end === this.end || this.timer) return;
    this.end = end;
    this.timer = setTimeout(() => this.read(), this.body.children.length ? READ_PAUSE : 0);
  }

  async read() {
    this.timer = 0;
    try {
      const list = await getJson("dead-letters");
      const rows = list.letters.map((one) => this.row(one));
      const more = list.waiting - list.letters.length;
      if (more > 0) rows.push(line(`${more} more: freshet dead-letters list`));
      this.body.replaceChildren(...(rows.length ? rows : [line("None.")]));
    } catch (error) {
      this.end = undefined;
      this.answer.textContent = error.message;
    }
  }

  row(one) {
    const where = one.key || one.origin || "(no key)";
    const button = element("button", { type: "button", textContent: "Redrive" });
    button.setAttribute("aria-label", `Redrive letter ${one.offset}: ${one.reason}, ${where}`);
    button.addEventListener("click", () => this.redrive(one, button));
    const act = one.redrivable ? button : element("span", { className: "empty", textContent: "mend the file" });
    return element(
      "tr",
      {},
      element("td", { textContent: one.redrives ? `${one.reason} (redriven ${one.redrives}×)` : one.reason }),
      element("td", { textContent: where }),
      element("td", { textContent: `${one.stage}: ${one.detail}` }),
      element("td", { className: "number" }, age(Date.now() - one.age_seconds * 1000)),
      element("td", {}, act),
    );
  }

  async redrive(one, button) {
    button.disabled = true;
    try {
      const done = await postJson("dead-letters/redrive", { letters: [{ partition: one.partition, offset: one.offset }] });
      const refused = done.refused.map((stays) => stays.why).join("; ");
      this.answer.textContent = done.sent ? `Letter ${one.offset} was sent back.` : `Letter ${one.offset} stays: ${refused}`;
    } catch (error) {
      button.disabled = false;
      this.answer.textContent = [error.message, error.remedy].filter(Boolean).join(". ");
      return;
    }
    await this.read();
    // The button that had the focus is gone.
    (this.body.querySelector("button") || this.body.closest(".scroll")).focus();
  }
}

const line = (text) => element("tr", {}, element("td", { colSpan: 5, className: "empty", textContent: text }));
