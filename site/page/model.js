// What a widget's script sees of a kernel, on a page that has none: traits that are read and observed, and messages
// that are answered. `answer(message, buffers, model)` stands for the kernel: it sets traits, and may be asynchronous.

export class PageModel {
  constructor(traits, answer) {
    this.traits = { ...traits };
    this.answer = answer;
    this.listeners = [];
  }
  get(name) {
    return this.traits[name];
  }
  // Set traits, all before anyone hears of them.
  set(traits) {
    const changed = Object.keys(traits).filter((name) => this.traits[name] !== traits[name]);
    Object.assign(this.traits, traits);
    this.emit(changed.map((name) => `change:${name}`));
  }
  on(events, listener) {
    this.listeners.push({ events: events.split(" "), listener });
  }
  off(events, listener) {
    this.listeners = this.listeners.filter((one) => one.listener !== listener || one.events.join(" ") !== events);
  }
  emit(events, ...values) {
    const heard = this.listeners.filter((one) => one.events.some((event) => events.includes(event)));
    heard.forEach(({ listener }) => listener(...values));
  }
  // A message from the page to the kernel; `emit` with values is one from the kernel to the page.
  async send(message, callbacks, buffers = []) {
    let problem = "";
    try {
      if (message.do !== "greet") await this.answer(message, buffers, this);
    } catch (error) {
      problem = error.message;
    }
    this.emit(["msg:custom"], { answered: message.number, problem }, []);
  }
}
