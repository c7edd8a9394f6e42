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
// reader chose, and `show` of the returned row moves the control without it.
function control(spec, index, change) {
  const input = make(spec.slider ? "input" : "select");
  const shown = make("output");
  if (spec.slider) {
    Object.assign(input, { type: "range", min: 0, max: spec.options.length - 1, step: 1 });
  } else {
    spec.options.forEach((text, i) => input.add(new Option(text, i)));
  }
  input.value = index;
  const say = () => {
    if (!spec.slider) return;
    shown.textContent = spec.options[input.value];
    input.setAttribute("aria-valuetext", spec.options[input.value]);
  };
  say();
  input.addEventListener("input", () => {
    say();
    change(Number(input.value));
  });
  const row = labelled(spec.label, input, shown);
  row.show = (place) => {
    if (Number(input.value) === place) return;
    input.value = place;
    say();
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
    // A page without a kernel has words of its own for what it waits for.
    const why = model.get("silence") ?? "No answer from the kernel: it is not running, was restarted, or is busy.";
    silence.textContent = `${why} ${model.get("sentence")}`;
  };
  // Resolves to the answer, {problem}, or to null if none came in time.
  const ask = (message, buffers = []) =>
    new Promise((resolve) => {
      const number = `${view}-${(sent += 1)}`;
      const timer = setTimeout(() => {
        say();
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

