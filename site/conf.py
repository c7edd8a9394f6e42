"""Sphinx's settings for the pages of the course; `site/build.py` calls it with the staged notebooks."""

from pathlib import Path

project = "Fine-Tuning Neural Network Hyperparameters"
copyright = "the authors of the course, CC BY 4.0"
language = "en"
extensions = ["myst_nb", "sphinx.ext.mathjax"]
exclude_patterns = ["**/.ipynb_checkpoints"]

html_theme = "furo"  # its pages load 60 KB of styles and scripts, and nothing from elsewhere
html_title = project
pygments_dark_style = "a11y-high-contrast-dark"  # whose names are not underlined as links are
html_static_path = [str(Path(__file__).parent / "page"), str(Path(__file__).parent / "katex")]
html_css_files = ["page.css", "widgets/widgets.css"]
html_js_files = ["opened_as_file.js", ("main.js", {"type": "module"})]
html_favicon = "page/icon.svg"
html_show_sourcelink = False
html_copy_source = False
templates_path = []

nb_execution_mode = "off"  # the pages show what the notebooks store
nb_merge_streams = True
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
mathjax_path = "katex.min.js"  # which `main.js` calls, and only pages with formulas load
myst_heading_slug_func = "anchors.as_in_jupyterlab"  # the notebooks' links lead to them
