// The recorded trainings: what was recorded, and where it lies. `task` is one of the tasks of a lab's description,
// `places` says which option each hyperparameter stands at.

const option = (task, places, name) => task.options[name][places[name]];

// The names of the hyperparameters whose options were not recorded, none if this training was.
export function notRecorded(task, places) {
  return Object.keys(task.options).filter((name) => option(task, places, name).recorded === null);
}

// The same in a sentence, "" for a training that was recorded.
export function sayNotRecorded(task, places) {
  const parts = notRecorded(task, places).map((name) => {
    const recorded = task.options[name].filter((one) => one.recorded !== null).map((one) => one.text);
    return `${task.labels[name]} ${option(task, places, name).text} (recorded: ${recorded.join(", ")})`;
  });
  if (!parts.length) return "";
  const why = "This page can only replay recorded trainings; the installed course trains with these settings, too.";
  return `Not recorded on ${task.title}: ${parts.join("; ")}. ${why}`;
}

// Files that were fetched stay; one that could not be is asked for anew next time.
export function fetcher(folder) {
  const known = new Map();
  return (name, read) => {
    const url = `${folder}/${name}`;
    if (!known.has(url)) {
      const file = fetch(url).then((answer) => {
        if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
        return read(answer);
      });
      file.catch(() => known.delete(url));
      known.set(url, file);
    }
    return known.get(url);
  };
}

// The recorded runs with these settings: `epochs`, and of each variable a list of values for each seed.
export async function recordedRuns(get, task, places) {
  const index = await get(`${task.atlas}/index.json`, (answer) => answer.json());
  const at = (name) => option(task, places, name).recorded;
  const piece = index.pieces.map(at).join("-");
  const bytes = await get(`${task.atlas}/${piece}.bin`, (answer) => answer.arrayBuffer());
  const points = at("epochs");
  const sizes = Object.fromEntries(index.axes.map((name, i) => [name, index.sizes[i]]));
  const length = index.sizes.reduce((product, size) => product * size, 1);
  const start = (seed) =>
    index.axes.reduce((sum, name) => sum * sizes[name] + (name === "seed" ? seed : name === "epoch" ? 0 : at(name)), 0);
  const data = new DataView(bytes);
  const values = Object.entries(index.variables).map(([name, kind], i) => {
    const read = kind === "float16" ? float16 : (stored) => stored / index.unit;
    const one = (seed, j) => read(data.getUint16(2 * (i * length + start(seed) + j), true));
    const seeds = Array.from({ length: sizes.seed }, (_, seed) => Array.from({ length: points }, (_, j) => one(seed, j)));
    return [name, seeds];
  });
  return { epochs: index.epochs.slice(0, points), ...Object.fromEntries(values) };
}

// Not getFloat16 of DataView, which browsers have only since 2025.
function float16(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
}
