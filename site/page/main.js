// Put the widgets of a page to life: each place names the folder and the cell whose description was written at build
// time; the widget's own script, that of JupyterLab, draws it.

import * as predictions from "./predictions.js";

const CONNECT = {
  explorer: async (...of) => (await import("./explorer.js")).connect(...of),
  prediction: async (...of) => predictions.connect(...of),
  pad: async (...of) => (await import("./pad.js")).connect(...of),
  lab: async (...of) => (await import("./lab.js")).connect(...of),
};
const guesses = new Map(); // model of a question by its name, in the order of the page

const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

async function describe(folder) {
  const response = await fetch(`${folder}widgets.json`);
  if (!response.ok) throw new Error(`${folder}widgets.json: ${response.status}`);
  return response.json();
}

async function revive(place, descriptions) {
  const { from, cell, name } = place.dataset;
  const description = descriptions[cell];
  const own = description.kind === "lab" ? "../atlas/" : `${cell}/`; // all labs replay the same recorded runs
  const folder = new URL(`${from}${own}`, document.baseURI).href;
  const [model, { default: widget }] = await Promise.all([
    CONNECT[description.kind](description, folder),
    import(`./widgets/${description.kind}.js`),
  ]);
  if (name) guesses.set(name, model);
  const el = document.createElement("div");
  await widget.render({ model, el });
  place.replaceChildren(el);
}

// What gives an answer away: the code of its cell, what it shows, and what its section says after it, up to the next
// question's answer.
function answerAt(place) {
  const outputs = [...place.closest(".cell_output").children].filter((child) => !child.contains(place));
  const code = place.closest(".cell").querySelectorAll(".cell_input");
  const after = [];
  for (let next = place.closest(".cell").nextElementSibling; next; next = next.nextElementSibling) {
    const other = next.querySelector(".course-reveal");
    if (next.tagName === "SECTION" || (other && other.dataset.names !== place.dataset.names)) break;
    after.push(next);
  }
  return [...code, ...outputs, ...after];
}

// Hide it until the reader asks for the answer, and say how far off the guess was. This needs no widget to be loaded.
function cover(place) {
  const hidden = answerAt(place);
  const button = make("button", { textContent: "Show the answer, and read on" });
  const said = make("p", { className: "said", tabIndex: -1 });
  const models = () => place.dataset.names.split(" ").map((name) => guesses.get(name)).filter(Boolean);
  let warned = false;
  place.uncover = () => {
    hidden.forEach((element) => (element.hidden = false));
    models().forEach((model) => model.reveal());
    said.textContent = models().map((model) => `${model.get("question")}: ${model.get("verdict")}`).join("\n");
    button.remove();
  };
  button.addEventListener("click", () => {
    if (!warned && models().some((model) => model.get("guess") === null)) {
      warned = true;
      said.textContent = "What do you expect? Enter your guess above, or press once more to see the answer without one.";
      return;
    }
    const same = document.querySelectorAll(`.course-reveal[data-names="${place.dataset.names}"]`);
    same.forEach((other) => other.uncover());
    said.focus(); // where the button was, and what a screen reader reads next
    sumUp();
  });
  said.setAttribute("role", "status");
  hidden.forEach((element) => (element.hidden = true));
  place.replaceChildren(button, said);
}

function sumUp() {
  const text = predictions.summary([...guesses.values()].filter(Boolean));
  document.querySelectorAll(".course-summary").forEach((place) => (place.textContent = text));
}

// The widgets' pictures are drawn dark on light, and turned in the dark as in JupyterLab.
function followTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    const { theme = "auto" } = document.body.dataset;
    document.body.dataset.jpThemeLight = String(theme === "auto" ? !dark.matches : theme !== "dark");
  };
  new MutationObserver(follow).observe(document.body, { attributeFilter: ["data-theme"] });
  dark.addEventListener("change", follow);
  follow();
}

function setFormulas() {
  document.querySelectorAll("span.math, div.math").forEach((place) => {
    const text = place.textContent.replace(/^\s*\\[([]|\\[)\]]\s*$/g, "");
    const how = { output: "mathml", displayMode: place.tagName === "DIV", throwOnError: false };
    globalThis.katex?.render(text, place, how);
  });
}

const failed = (place) => (error) => {
  const words = `This part of the page could not be loaded (${error.message}). Reload the page to try again.`;
  place.append(make("p", { textContent: words, role: "alert" }));
};

// Sentences are wrapped, tables are not.
function wrapSentences() {
  document.querySelectorAll(".cell_output pre").forEach((pre) => {
    pre.classList.toggle("sentences", pre.textContent.split("\n").some((line) => line.length > 140));
  });
}

async function start() {
  followTheme();
  wrapSentences();
  setFormulas();
  document.querySelectorAll(".course-reveal").forEach(cover); // first, so that no slow network gives an answer away
  const places = [...document.querySelectorAll(".course-place")];
  if (!places.length) return;
  // In the order of the page, so that the summary has the questions in theirs.
  places.forEach(({ dataset: { name } }) => name && guesses.set(name, null));
  const descriptions = describe(places[0].dataset.from);
  const alive = places.map((place) => descriptions.then((all) => revive(place, all)).catch(failed(place)));
  await Promise.all(alive);
  sumUp();
  document.body.dataset.moves = "true"; // every widget answers from now on
}

start();
