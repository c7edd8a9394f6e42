// Guesses without a kernel: kept while the page is open, and compared when the reader asks for the answer.

import { PageModel } from "./model.js";
import { general } from "./numbers.js";

export function connect({ traits, answer }) {
  const model = new PageModel({ ...traits, guess: null, closed: false, verdict: "", sentence: "" }, (message) => {
    if (!model.get("closed")) model.set({ guess: message.guess });
  });
  model.reveal = () => model.set({ closed: true, verdict: verdict(answer, model.get("guess")) });
  return model;
}

// As `Prediction.reveal` says it in Python; a test compares both.
export function verdict({ verdicts, truth, margin, shown }, guess) {
  if (verdicts) return verdicts[guess ?? ""];
  if (guess === null) return `the answer: it is ${shown}`;
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
  if (without) lines.push(`${without} of ${revealed.length === 1 ? "one answer" : `${revealed.length} answers`} without a guess.`);
  if (!revealed.length) lines.push("What you guess is summed up here, once its answer is shown.");
  return lines.join("\n");
}
