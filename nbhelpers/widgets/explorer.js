// The controls and the picture of `explore`. The kernel holds the combination, its picture and its words, and every
// view shows them. A picture that was seen, or was drawn ahead, is shown at once; any other is asked for from the
// kernel, one at a time, the newest combination first.

const SLOW = 300; // milliseconds after which the page says that it waits
const KEPT = 128; // pictures, as many as the kernel keeps

function render({ model, el }) {
  const specs = model.get("controls");
  let index = [...model.get("index")];
  const pictures = new Map();
  const image = make("img");
  const waits = make("div", { className: "waits", role: "status" });
  const problem = make("pre", { role: "alert" });
  let told = index.join(); // the combination that the kernel was told of last
  let moved = false; // whether the reader has moved on, and the kernel has not said so yet
  let step = [0, 1];
  let busy = false;

  const keep = (key, { alt, blob }) => {
    if (pictures.has(key)) return;
    pictures.set(key, { alt, url: URL.createObjectURL(blob) });
    if (pictures.size <= KEPT) return;
    const [oldest] = pictures.keys();
    URL.revokeObjectURL(pictures.get(oldest).url);
    pictures.delete(oldest);
  };
  const png = (bytes) => new Blob([bytes], { type: "image/png" });
  const paint = () => {
    const picture = pictures.get(index.join());
    if (!picture) return;
    image.hidden = false;
    image.src = picture.url;
    image.alt = picture.alt;
    problem.textContent = "";
  };
  // The next value in the direction of the last move: drawn ahead while nothing else is to be done.
  const ahead = () => {
    const next = [...index];
    next[step[0]] += step[1];
    return next[step[0]] in specs[step[0]].options && !pictures.has(next.join()) ? next : null;
  };
  const refresh = async () => {
    paint();
    if (busy) return;
    const key = index.join();
    const message = key !== told ? { do: "show", index: [...index] } : null;
    const next = message ? null : ahead();
    if (!message && !next) return;
    busy = true;
    const wait = () => message && (waits.textContent = model.get("waits") ?? "The kernel is busy; the figure follows.");
    const timer = setTimeout(wait, SLOW);
    const answer = await link.ask(message ?? { do: "ahead", index: next });
    clearTimeout(timer);
    waits.textContent = "";
    busy = false;
    if (message) told = answer ? key : null; // null: whether the kernel has heard of it is not known
    if (told === index.join()) moved = false;
    if (answer && !(next && answer.problem)) refresh();
    else if (index.join() !== key) refresh();
  };
  const receive = (message, buffers) => {
    if (message.ahead) keep(message.ahead.join(), { alt: message.alt, blob: png(buffers[0]) });
  };
  // What the kernel holds: shown here, unless the reader has moved on meanwhile.
  const follow = () => {
    const key = model.get("index").join();
    if (model.get("picture").byteLength) keep(key, { alt: model.get("alt"), blob: png(model.get("picture")) });
    if (moved && index.join() !== key) {
      if (told === null) refresh(); // the kernel answers after all: once more
      return;
    }
    moved = false;
    index = [...model.get("index")];
    told = key;
    rows.forEach((row, i) => row.show(index[i]));
    paint();
    problem.textContent = model.get("problem");
    image.hidden = !pictures.has(key);
  };

  const link = kernel(model, el);
  const controls = make("div", { className: "controls" });
  const rows = specs.map((spec, i) =>
    control(spec, index[i], (value) => {
      step = [i, value < index[i] ? -1 : 1];
      index[i] = value;
      moved = true;
      refresh();
    }),
  );
  controls.append(...rows);
  el.classList.add("explore");
  el.prepend(controls);
  el.append(waits, problem, image);
  model.on("msg:custom", receive);
  model.on("change:index change:picture change:problem", follow);
  follow();
  refresh();
  return () => {
    link.close();
    model.off("msg:custom", receive);
    model.off("change:index change:picture change:problem", follow);
    pictures.forEach(({ url }) => URL.revokeObjectURL(url));
  };
}

export default { render };
