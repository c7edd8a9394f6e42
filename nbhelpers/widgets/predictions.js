// The control for one guess. What is entered counts at once, until the answer is out.

function render({ model, el }) {
  const options = model.get("options");
  const [low, high] = [model.get("low"), model.get("high")];
  const input = make(options.length ? "select" : "input");
  const said = make("output");
  let sent = model.get("guess");
  if (options.length) {
    input.add(new Option("choose …", ""));
    options.forEach((text) => input.add(new Option(text, text)));
  } else {
    Object.assign(input, { type: "number", min: low, max: high, step: "any", placeholder: `${low} to ${high}` });
  }

  const say = () => {
    const verdict = model.get("verdict");
    const guess = model.get("guess");
    // What is being typed stays.
    if (options.length || input !== document.activeElement) input.value = guess ?? "";
    input.disabled = model.get("closed");
    said.textContent = verdict || (guess === null ? "" : "Noted; read on.");
  };
  const commit = async () => {
    const number = input.valueAsNumber;
    // Some browsers let letters and decimal commas stand in a number's field, and give an empty value.
    const bad = input.validity.badInput || (input.value !== "" && !(number >= low && number <= high));
    if (!options.length && bad) {
      said.textContent = `Please guess a number from ${low} to ${high}, such as ${(low + high) / 2}.`;
      return;
    }
    const guess = input.value === "" ? null : options.length ? input.value : number;
    if (guess === sent) return say();
    // "Noted" once the kernel has it: what it has comes back as its state.
    sent = guess;
    said.textContent = "…";
    const answer = await link.ask({ do: "guess", guess });
    if (!answer) sent = undefined; // whether it has arrived is not known
    if (answer?.problem) said.textContent = answer.problem;
  };
  input.addEventListener("change", commit);
  input.addEventListener("keydown", (event) => event.key === "Enter" && commit());
  said.setAttribute("aria-live", "polite");
  const row = labelled(model.get("question"), input, said);
  row.className = "row";
  el.classList.add("prediction");
  el.append(row);
  const link = kernel(model, el);
  model.on("change:verdict change:guess change:closed", say);
  say();
  return () => {
    link.close();
    model.off("change:verdict change:guess change:closed", say);
  };
}

export default { render };
