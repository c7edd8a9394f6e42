// What the widgets of the course share. JupyterLab must not take the keys that are meant for a control:
// "dd" would delete the cell. Every control has a label that screen readers find.

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  if (["input", "select", "button", "canvas"].includes(tag)) element.dataset.lmSuppressShortcuts = "true";
  element.append(...children);
  return element;
}

function labelled(text, input, ...after) {
  // Not crypto.randomUUID, which pages over plain http from another host do not have.
  input.id = `control-${Math.random().toString(36).slice(2)}`;
  return make("div", {}, make("label", { textContent: text, htmlFor: input.id }), input, ...after);
}

// A slider over the options, which are texts, or a menu of them; `change` gets the place of the one that the
// reader chose, and `show` of the returned row moves the control without it. `offer` gives it other options and another
// label.
function control(spec, index, change) {
  const input = make(spec.slider ? "input" : "select");
  if (spec.slider) Object.assign(input, { type: "range", min: 0, step: 1 });
  const shown = make("output");
  const row = labelled(spec.label, input, shown);
  const say = () => {
    if (!spec.slider) return;
    shown.textContent = spec.options[input.value];
    input.setAttribute("aria-valuetext", spec.options[input.value]);
  };
  const fill = () => {
    row.firstChild.textContent = spec.label;
    if (spec.slider) input.max = spec.options.length - 1;
    else input.replaceChildren(...spec.options.map((text, i) => new Option(text, i)));
  };
  const place = (i) => {
    input.value = i;
    say();
  };
  fill();
  place(index);
  input.addEventListener("input", () => {
    say();
    change(Number(input.value));
  });
  row.show = (i) => {
    if (Number(input.value) !== i) place(i);
  };
  row.offer = (now, i) => {
    if (now === spec) return;
    spec = now;
    fill();
    place(i);
  };
  return row;
}

// The way to the kernel. Every message is answered, also while a cell runs; when no answer comes in time, or the kernel
// is restarted, the page says so and what to do. An answer that comes after all takes the words back.
const PATIENCE = 3000; // milliseconds

function kernel(model, el) {
  const silence = make("div", { className: "silence", role: "alert" });
  const view = Math.random().toString(36).slice(2);
  const waiting = new Map();
  let sent = 0;
  const say = () => {
    const why = "No answer from the kernel: it is not running, was restarted, or is busy.";
    // A page without a kernel has its own words for what it waits for.
    silence.textContent = model.get("waiting") ?? `${why} ${model.get("sentence")}`;
  };
  // Resolves to the answer, {problem}, or to null if none came in time.
  const ask = (message, buffers = []) =>
    new Promise((resolve) => {
      const number = `${view}-${(sent += 1)}`;
      const timer = setTimeout(() => {
        if (message.do !== "ahead") say(); // which nobody waits for
        resolve(null);
      }, PATIENCE);
      waiting.set(number, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      model.send({ ...message, number }, undefined, buffers);
    });
  const receive = (message) => {
    silence.textContent = "";
    waiting.get(message.answered)?.(message);
    waiting.delete(message.answered);
  };
  model.on("msg:custom", receive);
  // JupyterLab says so when the kernel is restarted: the kernel's half of the widget is gone.
  model.on("comm_live_update", say);
  el.classList.add("course-widget");
  el.append(silence);
  ask({ do: "greet" });
  const close = () => {
    model.off("msg:custom", receive);
    model.off("comm_live_update", say);
    waiting.forEach((answer) => answer(null));
  };
  return { ask, close };
}

// A PNG from the kernel, in an image; the one before is given back.
function show(image, bytes) {
  const before = image.src;
  image.src = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
  if (before) URL.revokeObjectURL(before);
}

