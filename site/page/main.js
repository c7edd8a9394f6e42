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

// What gives an answer away: what its cell shows, and what its section says after it.
function answerAt(place) {
  const outputs = [...place.closest(".cell_output").children].filter((child) => !child.contains(place));
  const cell = place.closest(".cell");
  const after = [...cell.parentElement.children].filter(
    (child) => child.tagName !== "SECTION" && cell.compareDocumentPosition(child) & Node.DOCUMENT_POSITION_FOLLOWING,
  );
  return [...outputs, ...after.filter((child) => !cell.contains(child))];
}

// Hide it until the reader asks for the answer, and say how far off the guess was.
function cover(place) {
  const names = place.dataset.names.split(" ");
  const hidden = answerAt(place);
  const button = Object.assign(document.createElement("button"), { textContent: "Show the answer" });
  const said = Object.assign(document.createElement("p"), { className: "said", role: "status" });
  const models = () => names.map((name) => guesses.get(name)).filter(Boolean);
  let warned = false;
  button.addEventListener("click", () => {
    if (!warned && models().some((model) => model.get("guess") === null)) {
      warned = true;
      said.textContent = "What do you expect? Enter your guess above, or press once more to see the answer without one.";
      return;
    }
    hidden.forEach((element) => (element.hidden = false));
    models().forEach((model) => model.reveal());
    said.textContent = models()
      .filter((model) => model.get("guess") !== null)
      .map((model) => `${model.get("question")}: ${model.get("verdict")}`)
      .join("\n");
    button.remove();
    sumUp();
  });
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

async function start() {
  followTheme();
  document.querySelectorAll("span.math, div.math").forEach((place) => {
    const text = place.textContent.replace(/^\s*\\[([]|\\[)\]]\s*$/g, "");
    globalThis.katex?.render(text, place, { output: "mathml", displayMode: place.tagName === "DIV" });
  });
  const places = [...document.querySelectorAll(".course-place")];
  if (!places.length) return;
  const folder = places[0].dataset.from;
  const descriptions = await describe(folder);
  // In the order of the page, so that the summary has the questions in theirs.
  places.forEach(({ dataset: { name } }) => name && guesses.set(name, null));
  const failed = (place) => (error) => {
    const words = `This part of the page could not be loaded (${error.message}). Reload the page to try again.`;
    place.append(Object.assign(document.createElement("p"), { textContent: words, role: "alert" }));
  };
  await Promise.all(places.map((place) => revive(place, descriptions).catch(failed(place))));
  document.querySelectorAll(".course-reveal").forEach(cover);
  sumUp();
  document.body.dataset.moves = "true"; // every widget answers from now on
}

start();
