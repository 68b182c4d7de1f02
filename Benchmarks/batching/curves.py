"""Goodput over load, as a picture."""

WIDTH, HEIGHT, MARGIN = 640, 400, 60
COLORS = ["#c0392b", "#2c3e50", "#2980b9", "#27ae60", "#8e44ad", "#7f8c8d"]


def svg(curves):
    """`curves` is {server: [(load, goodput)]}, both as parts of capacity."""
    most = max((load for points in curves.values() for load, _ in points), default=1)
    highest = max([1.0] + [good for points in curves.values() for _, good in points])

    def place(load, good):
        x = MARGIN + (WIDTH - 2 * MARGIN - 90) * load / most
        return x, HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * good / highest

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12">', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    left, bottom = place(0, 0)
    right, top = place(most, highest)
    lines.append(f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="black"/>')
    for part in (0.5, 1.0):
        _, y = place(0, part)
        lines.append(f'<path d="M{left} {y:.1f}H{right}" stroke="#ddd"/>'
                     f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{part}</text>')
    for load in sorted({load for points in curves.values() for load, _ in points}):
        x, _ = place(load, 0)
        lines.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{load}</text>')
    lines.append(f'<text x="{(left + right) / 2:.1f}" y="{HEIGHT - 18}" text-anchor="middle">'
                 'arrivals, in capacities of the model</text>')
    lines.append(f'<text x="{left}" y="{top - 14:.1f}" text-anchor="start">'
                 'answers within the deadline, in capacities of the model</text>')
    for index, (name, points) in enumerate(curves.items()):
        color = COLORS[index % len(COLORS)]
        where = [place(load, good) for load, good in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in where)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        lines += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in where]
        lines.append(f'<text x="{right + 12:.1f}" y="{top + 18 * index + 4:.1f}" fill="{color}">{name}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"
