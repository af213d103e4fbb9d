// Numbers and times as a person reads them. Everything here returns text, never markup.

export const none = "–";

export function duration(ms) {
  if (ms === null || ms === undefined) return none;
  const sign = ms < 0 ? "−" : "";
  const value = Math.abs(ms);
  if (value < 10) return `${sign}${value.toFixed(1)} ms`;
  if (value < 1000) return `${sign}${Math.round(value)} ms`;
  if (value < 120e3) return `${sign}${(value / 1e3).toFixed(value < 10e3 ? 1 : 0)} s`;
  if (value < 7200e3) return `${sign}${Math.round(value / 60e3)} min`;
  if (value < 172800e3) return `${sign}${Math.round(value / 3600e3)} h`;
  return `${sign}${Math.round(value / 86400e3)} d`;
}

export function ago(at) {
  const passed = Date.now() - at;
  return passed < 1000 ? "now" : `${duration(passed)} ago`;
}

export function rate(value) {
  if (value === null || value === undefined) return none;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)}/s`;
}

export function count(value) {
  return value === null || value === undefined ? none : Math.round(value).toLocaleString("en");
}

/** A new element with text; children are elements. */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** An element whose text says how long ago `at` (ms since the epoch) was, kept right by `refreshAges`. */
export function age(at, prefix = "") {
  const made = element("time", { dateTime: new Date(at).toISOString() });
  made.dataset.at = String(at);
  made.dataset.prefix = prefix;
  made.textContent = prefix + ago(at);
  return made;
}

export function refreshAges() {
  for (const one of document.querySelectorAll("time[data-at]")) {
    const text = one.dataset.prefix + ago(Number(one.dataset.at));
    if (one.textContent !== text) one.textContent = text;
  }
}
