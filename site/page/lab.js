// The live lab on a page without a kernel: recorded trainings are replayed, epoch by epoch. Texts and table are those
// of nbhelpers/widgets/lab/widget.py; what differs is the menu of the two tasks, and that recorded runs are called so.

import { fetcher, recordedRuns, sayNotRecorded } from "./atlas.js";
import { drawPicture } from "./curves.js";
import { fixed, general, literal } from "./numbers.js";
import { PageModel } from "./model.js";

const METRICS = ["loss", "accuracy", "val_loss", "val_accuracy"];
const REPLAYED = "This is a recorded run, replayed.";

// Return the PageModel of a lab that `export_lab` described, whose recorded runs lie in the folder, an address.
// A long training takes so many `seconds`, a short one less.
export async function connect(description, folder, { seconds = 4 } = {}) {
  const lab = new ReplayedLab(description, folder, seconds);
  const does = {
    set: ({ index }) => lab.set(index),
    draw: ({ runs }) => lab.draw(runs),
    train: ({ index, guess }) => lab.train(index, guess ?? null),
    stop: () => lab.stop(),
  };
  // Answered when it is done; the picture, which takes longer, follows.
  lab.model = new PageModel(description.traits, (message) => void does[message.do](message));
  await lab.show();
  lab.narrow.addEventListener("change", () => lab.show());
  return lab.model;
}

class ReplayedLab {
  constructor(description, folder, seconds) {
    Object.assign(this, { ...description, seconds });
    this.get = fetcher(folder);
    this.taskNames = Object.keys(this.tasks);
    this.places = { ...this.tasks[this.task].start };
    this.controls = description.traits.controls;
    this.drawn = [];
    this.runs = [];
    this.current = null;
    this.problem = "";
    this.states = 0;
    this.narrow = matchMedia("(max-width: 600px)");
  }

  // Move the controls, the menu of tasks first.
  set([place, ...index]) {
    this.problem = ""; // a refusal was of other settings
    this.controlled.forEach((name, i) => (this.places[name] = index[i]));
    if (this.taskNames[place] !== this.task) this.changeTask(this.taskNames[place]);
    return this.show();
  }

  // What the tasks differ in stands where the other one was recorded.
  changeTask(name) {
    this.task = name;
    const { start } = this.tasks[name];
    this.of_task.forEach((setting) => (this.places[setting] = start[setting]));
    this.controls = this.controls.map((control, i) => (i ? this.control(i - 1, control) : control));
  }

  // The control of a hyperparameter as the task has it; the same object if nothing differs.
  control(i, before) {
    const { options, labels } = this.tasks[this.task];
    const name = this.controlled[i];
    const texts = options[name].map((option) => option.control);
    const same = before.label === labels[name] && before.options.join() === texts.join();
    return same ? before : { ...before, label: labels[name], options: texts };
  }

  draw(numbers) {
    this.drawn = numbers;
    return this.show();
  }

  train(index, guess) {
    this.set(index);
    if (this.current) throw new Error("A training is under way: stop it first, or wait for its end.");
    if (guess !== null && !(guess >= 0 && guess <= 1)) {
      throw new Error(`Guess an accuracy from 0 to 1, such as 0.9, or none; got ${guess}.`);
    }
    this.problem = sayNotRecorded(this.tasks[this.task], this.places);
    if (!this.problem) {
      const history = Object.fromEntries(["epoch", ...METRICS].map((name) => [name, []]));
      const epochs = this.tasks[this.task].options.epochs[this.places.epochs].value;
      const run = { number: this.runs.length + 1, task: this.task, places: { ...this.places }, epochs, guess, history };
      this.current = Object.assign(run, { status: "training", problem: "", band: null });
      this.runs.push(run);
      this.replay(run); // goes on after the answer
    }
    return this.show();
  }

  stop() {
    if (this.current) this.end(this.current, "stopped");
    return this.show();
  }

  end(run, status) {
    run.status = status;
    this.current = null;
  }

  async replay(run) {
    let problem = "";
    try {
      run.band = await recordedRuns(this.get, this.tasks[run.task], run.places);
    } catch (error) {
      problem = `The recorded run could not be fetched: ${error.message}. Check the connection and train again.`;
    }
    if (run.status !== "training") return this.show();
    if (problem) {
      this.problem = run.problem = problem;
      this.end(run, "failed");
      return this.show();
    }
    const pause = (1000 * this.seconds) / Math.max(10, run.band.epochs.length);
    const begin = performance.now();
    for (let i = 0; run.status === "training" && i < run.band.epochs.length; i += 1) {
      const due = begin + (i + 1) * pause; // drawing takes its time, too
      await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
      if (run.status === "training") this.addPoint(run, i);
      // Where drawing takes longer than the pause, some pictures are left out, never the last one.
      if (run.status !== "training" || performance.now() < due + pause) await this.show();
    }
  }

  // Go on to a recorded epoch; at the last, or where the loss is not finite, the run ends.
  addPoint(run, i) {
    const seed = this.tasks[run.task].options.seed[run.places.seed].recorded;
    const values = Object.fromEntries(METRICS.map((name) => [name, run.band[name][seed][i]]));
    if (!Number.isFinite(values.loss) || !Number.isFinite(values.val_loss)) return this.end(run, "diverged");
    run.history.epoch.push(run.band.epochs[i]);
    METRICS.forEach((name) => run.history[name].push(values[name]));
    if (i === run.band.epochs.length - 1) this.end(run, "finished");
  }

  // Set the traits to the state of now; the picture last, since it takes longest, and only that of the newest state.
  async show() {
    this.states += 1;
    const number = this.states;
    this.model.set(this.shown());
    await new Promise((resolve) => setTimeout(resolve)); // keys that were pressed meanwhile come first
    if (number !== this.states) return;
    const last = this.runs.at(-1);
    const others = this.runs.slice(0, -1).filter((run) => this.drawn.includes(run.number) && run.task === last.task);
    const state = { run: last, others, band: last?.band };
    this.model.set({ alt: describe(last, others), picture: drawPicture(state, { narrow: this.narrow.matches }) });
  }

  shown() {
    const run = this.current;
    const epoch = run?.history.epoch.at(-1) ?? 0;
    const traits = {
      controls: this.controls,
      index: this.kept("index", [this.taskNames.indexOf(this.task), ...this.controlled.map((name) => this.places[name])]),
      columns: this.kept("columns", this.columns()),
      drawn: this.drawn,
      problem: this.problem,
      progress: run ? epoch / run.epochs : 0,
      reached: run ? `epoch ${fixed(epoch, 1)} of ${run.epochs}` : "",
      note: [this.outcome(), this.sayNotDrawn()].filter(Boolean).join(" "),
      rows: this.runs.map((one) => this.row(one)),
      training: run !== null,
    };
    if (this.runs.length && !run) traits.csv = this.csv();
    return traits;
  }

  outcome() {
    const last = this.runs.at(-1);
    if (this.current) return `Run ${last.number} is in training. ${REPLAYED}`;
    return last ? `${outcome(last)}${last.status === "failed" ? "" : ` ${REPLAYED}`}` : "";
  }

  // Only runs of one task have a picture together.
  sayNotDrawn() {
    const last = this.runs.at(-1);
    const apart = this.runs.filter((run) => this.drawn.includes(run.number) && run.task !== last.task);
    const named = apart.map((run) => `run ${run.number} on ${this.tasks[run.task].title}`).join(", ");
    return named && `Not drawn beside a run on ${this.tasks[last.task].title}: ${named}.`;
  }

  // What is called differently on the two tasks has both names where the table holds both.
  columns() {
    const names = this.runs.length ? this.runs.map((run) => run.task) : [this.task];
    const labels = this.controlled.map((setting) => {
      return [...new Set(names.map((name) => this.tasks[name].labels[setting]))].join(" or ");
    });
    return [...this.traits.columns.slice(0, -labels.length), ...labels];
  }

  // A list that says the same as before is the same object, which the page need not look at.
  kept(name, list) {
    const before = this.model.get(name);
    return before.join() === list.join() ? before : list;
  }

  option(run, name) {
    return this.tasks[run.task].options[name][run.places[name]];
  }

  // The cells of a run: the text shown, and what to sort by.
  row(run) {
    const { title } = this.tasks[run.task];
    const outcomes = Object.values(outcomesOf(run)).map((value) => {
      if (value === null) return ["", null];
      return [typeof value === "number" ? general(value, 4) : value, value];
    });
    const settings = this.controlled.map((name) => [this.option(run, name).cell, this.option(run, name).value]);
    return [...outcomes, [title, title], ...settings];
  }

  // As LiveLab.table().to_csv(index=False), and the task.
  csv() {
    const outcomes = this.runs.map(outcomesOf);
    // A column of whole numbers stays one; a gap makes it one of floats.
    const whole = outcomes.every(({ guess }) => Number.isInteger(guess));
    const float = (value) => (value === null ? "" : literal(value));
    const lines = this.runs.map((run, i) => {
      const { number, status, done, accuracy, guess, off } = outcomes[i];
      const guessed = whole ? guess : float(guess);
      const settings = this.names.map((name) => this.option(run, name).csv);
      const cells = [number, status, float(done), float(accuracy), guessed, float(off), ...settings];
      return [...cells, run.problem, this.tasks[run.task].title].map(quoted).join();
    });
    return [[...this.outcomes, ...this.names, "problem", "task"].join(), ...lines, ""].join("\n");
  }
}

const quoted = (value) => (/[",\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value);

function outcomesOf(run) {
  const accuracy = run.history.val_accuracy.at(-1) ?? null;
  // The guess was for the last epoch.
  const off = run.guess !== null && run.status === "finished" ? run.guess - accuracy : null;
  const done = run.history.epoch.at(-1) ?? 0;
  return { number: run.number, status: run.status, done, accuracy, guess: run.guess, off };
}

// What came of a run, a sentence or two.
function outcome(run) {
  const { number, status, done, accuracy, guess, off } = outcomesOf(run);
  const parts = [`Run ${number} ${status}.`];
  if (accuracy !== null) {
    parts[0] = `Run ${number} ${status} after ${general(done, 3)} epochs: validation accuracy ${fixed(accuracy, 3)}.`;
  }
  if (off !== null) {
    const by = off ? `${fixed(Math.abs(off), 3)} too ${off > 0 ? "high" : "low"}` : "right";
    parts.push(`You guessed ${general(guess)}, ${by}.`);
  }
  if (status === "diverged") parts.push("The loss is not finite any more: the steps were too large.");
  return parts.join(" ");
}

// The picture in words.
function describe(run, others) {
  if (!run?.history.epoch.length) return "Loss and accuracy, without a curve so far";
  const { epoch, val_accuracy: accuracy } = run.history;
  const parts = [
    `Loss and accuracy of run ${run.number} against the epoch, up to ${general(epoch.at(-1), 3)}: ` +
      `validation accuracy ${fixed(accuracy.at(-1), 3)}${run.guess === null ? "" : `, guessed ${general(run.guess)}`}`,
  ];
  if (others.length) parts.push(`beside it ${others.map((other) => `run ${other.number}`).join(", ")}`);
  const last = run.band.epochs.at(-1);
  parts.push(`behind it a band of recorded runs with the same settings, up to epoch ${last}`);
  return `${parts.join("; ")}; all runs are recorded ones, replayed`;
}
