// The flow with its rates and what waits, and the figures below it.

import { count, duration, none, rate } from "./format.js";

const MUCH = 1000;

const put = (id, text) => {
  const place = document.getElementById(id);
  if (place.textContent !== text) place.textContent = text;
  return place;
};

export function showFigures(figures) {
  put("rate-documents", rate(figures.rates.documents));
  put("rate-embeddings", rate(figures.rates.embeddings));
  put("rate-written", rate(figures.rates.written));
  put("rate-searches", rate(figures.rates.searches));
  put("rate-dead", rate(figures.rates.dead_letters));
  for (const [name, id] of [["job", "behind-job"], ["consumer", "behind-consumer"]]) {
    const waiting = figures.behind[name];
    put(id, count(waiting)).parentElement.classList.toggle("much", waiting > MUCH);
  }
  put("documents", count(figures.store.documents));
  put("p50", duration(figures.freshness_ms.p50));
  put("p99", duration(figures.freshness_ms.p99));
  put("batch-p99", duration(figures.batch.p99_ms));
  put("batch-size", figures.batch.size === null ? none : figures.batch.size.toFixed(1));
  put("batch-limit", count(figures.batch.limit));
  document.getElementById("trouble").hidden = figures.troubles.length === 0;
  document.getElementById("troubles").replaceChildren(
    ...figures.troubles.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
  );
}
