// Browsers load no modules from files: say so, instead of leaving widgets dead.
if (location.protocol === "file:") {
  addEventListener("DOMContentLoaded", () => {
    const words = "Opened as a file, this page does not move. Serve it: python site/serve.py, in the folder of the course.";
    const note = Object.assign(document.createElement("p"), { textContent: words });
    note.setAttribute("role", "alert");
    document.querySelector("article").prepend(note);
  });
}
