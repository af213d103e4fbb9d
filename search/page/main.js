import { useKey } from "./api.js";
import { Changes } from "./changes.js";
import { Chart } from "./chart.js";
import { DeadLetters } from "./deadletters.js";
import { listen } from "./events.js";
import { showFigures } from "./figures.js";
import { refreshAges } from "./format.js";
import { Search } from "./search.js";

const search = new Search();
const changes = new Changes();
const dead = new DeadLetters();
const chart = new Chart(document.getElementById("chart"));
const connection = document.getElementById("connection");
const keyForm = document.getElementById("key-form");

document.addEventListener("key-needed", ({ detail }) => {
  if (keyForm.hidden) {
    keyForm.hidden = false;
    document.getElementById("key").focus();
  }
  document.getElementById("key-answer").textContent = detail.given ? "That is not the right one." : "";
});
keyForm.addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(document.getElementById("key").value);
  document.dispatchEvent(new CustomEvent("key-given"));
});
setInterval(refreshAges, 1000);

listen(
  "events",
  {
    changes: (data) => {
      changes.add(data);
      search.changed();
    },
    figures: (data) => {
      showFigures(data);
      chart.add(data);
      dead.at(data.dead_letters_end);
    },
  },
  (text) => {
    if (text === "live") keyForm.hidden = true;
    connection.textContent = text;
  },
);
