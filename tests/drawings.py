"""Digits as a hand would draw them on the pad: strokes, each a list of points from (0, 0), top left, to (1, 1)."""

import numpy as np
from PIL import Image, ImageDraw


def arc(x, y, rx, ry, start, end, n=24):
    """Points on an ellipse, angles in degrees, clockwise from the right."""
    angles = np.radians(np.linspace(start, end, n))
    return [(x + rx * np.cos(a), y + ry * np.sin(a)) for a in angles]


DIGITS = {
    0: [arc(0.5, 0.5, 0.2, 0.32, -90, 270)],
    1: [[(0.53, 0.15), (0.48, 0.85)]],
    2: [[*arc(0.5, 0.32, 0.2, 0.17, 190, 390), (0.3, 0.83), (0.75, 0.8)]],
    3: [[*arc(0.47, 0.32, 0.2, 0.16, 200, 430), *arc(0.47, 0.66, 0.23, 0.19, -80, 160)]],
    4: [[(0.32, 0.15), (0.27, 0.5), (0.7, 0.48)], [(0.68, 0.2), (0.62, 0.88)]],
    5: [[(0.72, 0.16), (0.36, 0.17), (0.33, 0.46), *arc(0.47, 0.63, 0.21, 0.2, -110, 150)]],
    6: [[(0.6, 0.13), (0.42, 0.35), (0.34, 0.6), *arc(0.49, 0.68, 0.16, 0.16, 180, -170)]],
    7: [[(0.27, 0.22), (0.72, 0.2), (0.45, 0.87)]],
    8: [[*arc(0.5, 0.32, 0.15, 0.16, 90, 450), *arc(0.5, 0.66, 0.18, 0.18, -90, 270)]],
    9: [[*arc(0.5, 0.34, 0.17, 0.17, 10, 370), (0.66, 0.5), (0.6, 0.87)]],
}


def raster(strokes, *, size=280, pen=22):
    """The ink of such strokes, an array of shape (size, size) from 0 to 255, as the canvas gives it."""
    image = Image.new("L", (2 * size, 2 * size))
    canvas = ImageDraw.Draw(image)
    for stroke in strokes:
        points = [(2 * size * x, 2 * size * y) for x, y in stroke]
        canvas.line(points, fill=255, width=2 * pen, joint="curve")
        for x, y in points:
            canvas.ellipse((x - pen, y - pen, x + pen, y + pen), fill=255)
    return np.asarray(image.resize((size, size), Image.Resampling.BOX))
