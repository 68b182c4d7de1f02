"""The measured rows as Markdown, and where they go in a document."""
import math

TITLES = {
    "gemm": "Products of float32, bias",
    "conv": "Convolutions of float32, bias and Relu",
    "int8": "Products of bytes, activations quantised on the way",
    "bf16": "Products of bfloat16, activations rounded on the way",
    "int8 conv": "Convolutions of bytes, bias and Relu",
    "attention": "Attention",
    "recurrent": "Recurrent layers",
    "values": "Operations that move values",
}
MARKS = ("<!-- measured: begin -->", "<!-- measured: end -->")


def document(rows):
    """A table a kind: a row a case, with its figures on each number of threads."""
    for kind, title in TITLES.items():
        chosen = [row for row in rows if row["kind"] == kind]
        if chosen:
            yield from section(title, chosen)
    yield from summary(rows)


def section(title, rows):
    threads = sorted({row["threads"] for row in rows})
    peak = max(row["peak"] for row in rows if row["threads"] == threads[0])
    unit = rows[0]["unit"]
    what = "a copy of as many bytes" if rows[0]["kind"] == "values" else f"{peak:.0f} {unit} a core"
    yield f"**{title}** ({unit}; of peak: of {what})"
    yield ""
    head = "| case | kernel | target |"
    line = "|---|---|---:|"
    for count in threads:
        head += f" {count} thread{'s' * (count > 1)} | of peak | best peer | ratio |"
        line += "---:|---:|---|---:|"
    if len(threads) > 1:
        head += " 2 to 1 |"
        line += "---:|"
    yield head
    yield line
    for case in dict.fromkeys(row["case"] for row in rows):
        yield case_line([row for row in rows if row["case"] == case], threads)
    yield ""


def case_line(rows, threads):
    by_threads = {row["threads"]: row for row in rows}
    text = f'| {rows[0]["case"]} | {rows[0]["method"]} | {rows[0]["target"]} |'
    for count in threads:
        row = by_threads.get(count)
        if row is None:
            text += " | | | |"
            continue
        name, rate = max(row["peers"].items(), key=lambda peer: peer[1])
        mark = "" if row["ok"] else " ↓"
        text += (
            f' {figure(row["ours"])} | {100 * row["share of peak"]:.0f} % | {figure(rate)} {name} '
            f'| {row["ratio"]:.2f}{mark} |')
    if len(threads) > 1:
        text += f" {scaling(by_threads)} |"
    return text


def scaling(by_threads):
    if 1 not in by_threads or 2 not in by_threads:
        return ""
    return f'{by_threads[1]["microseconds"] / by_threads[2]["microseconds"]:.2f}'


def figure(value):
    return f"{value:.0f}" if value >= 20 else f"{value:.1f}" if value >= 2 else f"{value:.2f}"


def summary(rows):
    for threads in sorted({row["threads"] for row in rows}):
        chosen = [row for row in rows if row["threads"] == threads]
        below = [row for row in chosen if not row["ok"]]
        turns = [math.log(row["ratio"]) for row in chosen if row["case"].endswith(" in turn")]
        text = f"{threads} thread{'s' * (threads > 1)}: {len(chosen) - len(below)} of {len(chosen)} rows reach their target."
        if turns:
            text += f" Products with weights in turn: {math.exp(sum(turns) / len(turns)):.2f} as the geometric mean."
        hot = [row for row in chosen if row["case"].endswith(" hot") and row["m"] >= 8]
        if hot and threads == 1:
            most = sum(row["share of peak"] >= 0.95 for row in hot)
            text += f" With weights hot, {most} of {len(hot)} of M ≥ 8 reach 95 % of the peak."
        yield text


def update(path, text):
    """Replaces what stands between the marks."""
    old = path.read_text()
    before, rest = old.split(MARKS[0], 1)
    after = rest.split(MARKS[1], 1)[1]
    path.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}")
