// `explore` without a kernel: each combination was drawn when the site was built, and is fetched when it is chosen.

import { PageModel } from "./model.js";

const WORDS = {
  silence: "The figure does not come: is the network gone? Move the control again.",
  waits: "The figure is on its way.",
  sentence: "",
};

export async function connect({ traits, pictures }, folder) {
  const fetched = async (index) => {
    const response = await fetch(`${folder}${index.join("-")}.png`);
    if (!response.ok) throw new Error(`The figure could not be fetched (${response.status}).`);
    return new DataView(await response.arrayBuffer());
  };
  const shown = async (index) => {
    const { alt = "", problem = "" } = pictures[index.join("-")];
    return { index, alt, problem, picture: problem ? new DataView(new ArrayBuffer(0)) : await fetched(index) };
  };
  const answer = async (message, buffers, model) => {
    const traits = await shown(message.index);
    if (message.do === "show") model.set(traits);
    else if (!traits.problem) model.emit(["msg:custom"], { ahead: message.index, alt: traits.alt }, [traits.picture]);
  };
  return new PageModel({ ...traits, ...WORDS, ...(await shown(traits.index)) }, answer);
}
