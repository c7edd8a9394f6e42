// Guesses without a kernel: kept as long as the tab is open, and compared when the reader asks for the answer.

import { PageModel } from "./model.js";
import { general } from "./numbers.js";

export function connect({ traits, answer }, folder) {
  const name = `guess ${folder}`;
  const guess = recall(name, traits);
  const model = new PageModel({ ...traits, guess, closed: false, verdict: "", sentence: "" }, (message) => {
    if (model.get("closed")) return;
    model.set({ guess: message.guess });
    keep(name, message.guess);
  });
  model.reveal = () => model.set({ closed: true, verdict: verdict(answer, model.get("guess")) });
  return model;
}

// Where the browser keeps nothing, a guess lasts until the page is left.
function keep(name, guess) {
  try {
    sessionStorage.setItem(name, JSON.stringify(guess));
  } catch {
    // forbidden or full
  }
}

// The guess that was kept, if the question still takes it.
function recall(name, { options, low, high }) {
  let guess = null;
  try {
    guess = JSON.parse(sessionStorage.getItem(name));
  } catch {
    // forbidden
  }
  const fits = options.length ? options.includes(guess) : typeof guess === "number" && guess >= low && guess <= high;
  return fits ? guess : null;
}

// As `Prediction.reveal` says it in Python; a test compares both.
export function verdict({ verdicts, truth, margin, shown }, guess) {
  if (verdicts) return verdicts[guess ?? ""];
  if (guess === null) return `the answer is ${shown}`;
  const off = guess - truth;
  const guessed = `you guessed ${general(guess)}`;
  if (off === 0) return `${guessed}, right`;
  if (Math.abs(off) <= margin) return `${guessed}, right: it is ${shown}`;
  return `${guessed}, it is ${shown}: ${general(Math.abs(off), 3)} too ${off > 0 ? "high" : "low"}`;
}

// What stands where `guesses.summary()` was called.
export function summary(models) {
  const revealed = models.filter((model) => model.get("verdict"));
  const guessed = revealed.filter((model) => model.get("guess") !== null);
  const lines = guessed.map((model) => `${model.get("question")}: ${model.get("verdict")}`);
  const without = revealed.length - guessed.length;
  if (guessed.length && without) lines.push(`${without} of ${revealed.length} answers came without a guess.`);
  else if (without) lines.push(`${without === 1 ? "1 answer" : `${without} answers`} and no guess.`);
  if (!revealed.length) lines.push("What you guess is summed up here, once its answer is shown.");
  return lines.join("\n");
}
