"""Rows as a Markdown table."""

HEAD = ["what", "unit", "Swerve", "peers", "ratio to the best", "target", "met"]


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def cells(row):
    return [
        row.name, row.unit, number(row.ours),
        ", ".join(f"{name} {number(value)}" for name, value in row.peers.items()) or "–",
        "–" if row.ratio is None else f"{row.ratio:.2f}",
        "–" if row.target is None else f"{row.target:.2f}",
        "–" if row.target is None else "yes" if row.ok else "**no**"]


def markdown(rows):
    lines = [HEAD, ["---", "---", "---:", "---", "---:", "---:", "---"], *map(cells, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
