// What the widgets of the course share. JupyterLab must not take the keys that are meant for a control:
// "dd" would delete the cell. Every control has a label that screen readers find.

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  if (["input", "select", "button", "canvas"].includes(tag)) element.dataset.lmSuppressShortcuts = "true";
  element.append(...children);
  return element;
}

function labelled(text, input, ...after) {
  input.id = `control-${crypto.randomUUID()}`;
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
    input.value = place;
    say();
  };
  return row;
}

// A PNG from the kernel, in an image; the one before is given back.
function show(image, bytes) {
  const before = image.src;
  image.src = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
  if (before) URL.revokeObjectURL(before);
}

