"""Curves of several servers, as a picture."""

import math

WIDTH, HEIGHT, MARGIN, NAMES = 640, 400, 60, 110
COLORS = ["#c0392b", "#2c3e50", "#2980b9", "#27ae60", "#8e44ad", "#7f8c8d"]


class Picture:
    """`across` and `up` say what the axes are."""

    def __init__(self, across, up, is_logarithmic=False):
        self.across, self.up = across, up
        self.scale = (lambda x: math.log2(x) + 1) if is_logarithmic else (lambda x: x)

    def svg(self, curves):
        """`curves` is {server: [(x, y)]}."""
        every = [point for points in curves.values() for point in points]
        self.most = max(self.scale(x) for x, _ in every)
        self.highest = max(1.0, *(y for _, y in every))
        left, right, bottom, top = MARGIN, WIDTH - MARGIN - NAMES, HEIGHT - MARGIN, MARGIN
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
            'font-size="12">', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
        for y in self.ticks():
            _, place = self.place(0, y)
            lines.append(f'<path d="M{left} {place:.1f}H{right}" stroke="#ddd"/>'
                         f'<text x="{left - 8}" y="{place + 4:.1f}" text-anchor="end">{y:g}</text>')
        for x in sorted({x for x, _ in every}):
            place, _ = self.place(self.scale(x), 0)
            lines.append(f'<text x="{place:.1f}" y="{bottom + 18}" text-anchor="middle">{x:g}</text>')
        lines.append(f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="black"/>')
        lines.append(f'<text x="{(left + right) / 2}" y="{HEIGHT - 18}" text-anchor="middle">{self.across}</text>')
        lines.append(f'<text x="{left}" y="{top - 18}">{self.up}</text>')
        for index, (name, points) in enumerate(curves.items()):
            lines += self.curve(name, points, COLORS[index % len(COLORS)], top + 18 * index, right)
        return "\n".join([*lines, "</svg>"]) + "\n"

    def place(self, x, y):
        return (MARGIN + (WIDTH - 2 * MARGIN - NAMES) * x / self.most,
                HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * y / self.highest)

    def ticks(self):
        step = 10 ** math.floor(math.log10(self.highest)) / 2
        return [step * index for index in range(1, int(self.highest / step) + 1)]

    def curve(self, name, points, color, height, right):
        where = [self.place(self.scale(x), y) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in where)
        return [f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>',
                *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in where),
                f'<text x="{right + 12}" y="{height + 4}" fill="{color}">{name}</text>']
