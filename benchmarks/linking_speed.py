"""What finding names costs as the names grow: seconds, memory and megabytes of text a second.

    python benchmarks/linking_speed.py                              # about half an hour, 6 GB
    python benchmarks/linking_speed.py --aliases 10000 100000 --plot out/linking_speed.svg
    python benchmarks/linking_speed.py --peer-python other/bin/python --out out/linking_speed.json

Aliases and texts are generated from one seed. English: made-up words by a power law after real function
words, aliases of one to four words, 17 characters on average, one in twenty a short one in capitals; texts
of 2,000 characters with capitals and punctuation. Chinese: made-up words of one or two characters,
aliases of two to six characters without the most common words, texts without spaces. One word in forty of
a text is an alias.

Each number of aliases and each language runs in processes of their own, on one thread: one builds and
saves, one loads and reads the texts. Seconds are the processor's; megabytes are of UTF-8; of three
passes over the texts the quickest counts. "detect" is normalise and scan together. Memory: all that the
process holds once the texts were read (resident), without the texts. spaCy's PhraseMatcher, flashtext2 and
names compared by the weights of their letters, as scispaCy does, read the same English in the same run,
where --peer-python has them, with up to --peer-aliases; a peer that is slow reads only some of it.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ALIASES = (10_000, 100_000, 1_000_000, 3_000_000)
MEGABYTES = {"en": 5.5, "zh": 3.5}
DOCUMENT = 2_000
COMMON_CHINESE = 500
"""The most common words, which texts have and aliases have not, as with English function words."""
PASSES = 3
PEERS = ("spacy", "flashtext2", "tfidf")
PEER_SECONDS = 120.0
"""After which a peer reads no further text; its megabytes a second are of what it read."""
BARS = {"build_s": 60.0, "load_s": 2.0, "resident_mb": 700.0, "en": 5.0, "zh": 20.0}
WIDTH, HEIGHT, EDGE = 720, 420, 70

Row = dict[str, Any]


# Aliases and texts


def write_corpus(folder: Path, count: int, language: str) -> None:
    """Write aliases.txt and texts.txt: an alias and a text a line."""
    import numpy as np

    random = np.random.default_rng(count)
    words = english_words(random) if language == "en" else chinese_words(random)
    aliases = (
        english_aliases(random, words, count) if language == "en" else chinese_aliases(random, words, count)
    )
    (folder / "aliases.txt").write_text("\n".join(aliases) + "\n", encoding="utf-8")
    texts = list(documents(random, words, aliases, language))
    (folder / "texts.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")


def english_words(random: Any) -> list[str]:
    """Make words, the most common first: function words, then syllables."""
    from loregraft.linking.mentions.spelling import FUNCTION_WORDS

    syllables = [a + b + c for a in "bcdfghklmnprstvw" for b in "aeiou" for c in ("", "", "n", "r", "s")]
    sizes = random.choice([1, 2, 3, 4, 5], 250_000, p=[0.02, 0.33, 0.38, 0.2, 0.07])
    parts = iter(random.choice(syllables, int(sizes.sum())).tolist())
    made = ("".join(next(parts) for _ in range(size)) for size in sizes.tolist())
    return list(dict.fromkeys([*FUNCTION_WORDS, *made]))


def chinese_words(random: Any) -> list[str]:
    """Make words of one or two characters, the most common first."""
    signs = [chr(0x4E00 + 5 * place) for place in range(4_000)]
    chances = law(len(signs), 0.7)
    pairs = random.choice(signs, (150_000, 2), p=chances)
    singles = signs[: COMMON_CHINESE // 2]
    made = list(dict.fromkeys(map("".join, pairs.tolist())))
    mixed = [word for both in zip(singles, made, strict=False) for word in both]
    return mixed + made[len(singles) :]


def law(size: int, power: float) -> Any:
    """Give chances that fall with the rank."""
    import numpy as np

    chances = 1.0 / np.arange(1, size + 1) ** power
    return chances / chances.sum()


def english_aliases(random: Any, words: list[str], count: int) -> list[str]:
    """Make different aliases; function words are only inside them."""
    from loregraft.linking.mentions.spelling import FUNCTION_WORDS

    rare = words[len(FUNCTION_WORDS) :]
    chances = law(len(rare), 0.6)
    found: dict[str, None] = {}
    while len(found) < count:
        sizes = random.choice([1, 2, 3, 4], count, p=[0.2, 0.4, 0.3, 0.1]).tolist()
        drawn = iter(random.choice(rare, sum(sizes), p=chances).tolist())
        aliases = [" ".join(next(drawn) for _ in range(size)) for size in sizes]
        aliases[::20] = [alias[: 2 + place % 3].upper() for place, alias in enumerate(aliases[::20])]
        found.update(dict.fromkeys(alias.strip() for alias in aliases))
    return list(found)[:count]


def chinese_aliases(random: Any, words: list[str], count: int) -> list[str]:
    """Make different aliases of two to six characters."""
    rare = words[COMMON_CHINESE:]
    chances = law(len(rare), 0.5)
    found: dict[str, None] = {}
    while len(found) < count:
        sizes = random.choice([1, 2, 3], count, p=[0.15, 0.5, 0.35]).tolist()
        drawn = iter(random.choice(rare, sum(sizes), p=chances).tolist())
        aliases = ("".join(next(drawn) for _ in range(size)) for size in sizes)
        found.update(dict.fromkeys(alias for alias in aliases if 2 <= len(alias) <= 6))
    return list(found)[:count]


def documents(random: Any, words: list[str], aliases: list[str], language: str) -> Iterator[str]:
    """Yield texts with aliases in them, together as large as MEGABYTES says."""
    left, chances = MEGABYTES[language] * 1e6, law(len(words), 1.0)
    between, marks = (" ", (". ", ", ")) if language == "en" else ("", ("。", "，"))
    while left > 0:
        drawn = random.choice(words, 20_000, p=chances).tolist()
        planted = random.choice(aliases, 500).tolist()
        drawn[::40] = [alias if place % 3 else alias.capitalize() for place, alias in enumerate(planted)]
        sentences = [
            between.join(drawn[first : first + 12]).capitalize() for first in range(0, len(drawn), 12)
        ]
        text = "".join(sentence + marks[place % 2] for place, sentence in enumerate(sentences))
        for first in range(0, len(text), DOCUMENT):
            yield text[first : first + DOCUMENT]
        left -= len(text.encode())


# What a process does


def build(folder: Path) -> Row:
    """Fold the aliases, build a scanner and save it."""
    import numpy as np
    import pyarrow as pa

    from loregraft.linking.mentions.scanner import Scanner
    from loregraft.linking.normalize import Rules, normalize, normalize_name

    names = read_lines(folder / "aliases.txt")
    normalize("é", Rules())  # makes the tables
    begun = time.process_time()
    keys = pa.array([normalize_name(name, Rules()) for name in names], pa.large_string())
    encoded = keys.dictionary_encode()
    fold_s = time.process_time() - begun
    rows, forms = np.asarray(encoded.indices), encoded.dictionary
    spelled = pa.array(names, pa.large_string())
    begun = time.process_time()
    scanner = Scanner.of(forms, (rows, spelled))
    build_s = time.process_time() - begun
    begun = time.process_time()
    (folder / "scanner").mkdir()
    scanner.save(folder / "scanner")
    save_s = time.process_time() - begun
    with pa.OSFile(str(folder / "forms.arrow"), "wb") as file:
        with pa.ipc.new_file(file, pa.schema({"form": pa.large_string()})) as writer:
            writer.write_table(pa.table({"form": forms}))
    size = sum(file.stat().st_size for file in (folder / "scanner").iterdir())
    return {
        "characters": sum(map(len, names)) / len(names),
        "fold_s": fold_s,
        "build_s": build_s,
        "save_s": save_s,
        "saved_mb": size / 1e6,
        "build_peak_mb": peak_mb(),
    }


def read(folder: Path) -> Row:
    """Load the scanner and read the texts with it."""
    import pyarrow as pa

    from loregraft.linking.mentions.scanner import Scanner
    from loregraft.linking.normalize import Rules, normalize

    normalize("é", Rules())
    forms = pa.ipc.open_file(pa.memory_map(str(folder / "forms.arrow"))).read_all()["form"].chunk(0)
    before = resident_mb()
    begun, begun_wall = time.process_time(), time.perf_counter()
    scanner = Scanner.load(folder / "scanner", forms)
    for text in ("a", "疫"):  # both automata are read
        scanner.scan([normalize(text, Rules())])
    facts = {
        "load_s": time.process_time() - begun,
        "load_wall_s": time.perf_counter() - begun_wall,
        "load_peak_mb": peak_mb(),
        "scanner_mb": resident_mb() - before,
    }
    return facts | speeds(scanner, read_lines(folder / "texts.txt")) | {"resident_mb": resident_mb()}


def speeds(scanner: Any, texts: list[str]) -> Row:
    """Read texts with a scanner."""
    from loregraft.linking.normalize import Rules, normalize

    def views() -> list[Any]:
        return [normalize(text, Rules()) for text in texts]

    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    normalise_s, viewed = quickest(views)
    scan_s, spans = quickest(lambda: scanner.scan(viewed))
    detect_s, _ = quickest(lambda: scanner.scan(views()))
    return {
        "text_mb": megabytes,
        "found_per_kb": len(spans) / megabytes / 1000,
        "scan_s": scan_s,
        "normalise_mb_s": megabytes / normalise_s,
        "scan_mb_s": megabytes / scan_s,
        "detect_mb_s": megabytes / detect_s,
    }


def peer(folder: Path, name: str) -> Row:
    """Build a peer's matcher of the aliases and read the texts with it; only the standard library else."""
    try:
        matchers = {"spacy": spacy_matcher, "flashtext2": flashtext2_matcher, "tfidf": tfidf_matcher}
        matcher = matchers[name]
        names, texts = read_lines(folder / "aliases.txt"), read_lines(folder / "texts.txt")
        begun = time.process_time()
        find = matcher(names)
    except ImportError:
        return {"peer": name, "missing": "not installed"}
    build_s = time.process_time() - begun
    megabytes, found, begun = 0.0, 0, time.process_time()
    for text in texts:
        found += find(text)
        megabytes += len(text.encode()) / 1e6
        if time.process_time() - begun > PEER_SECONDS:
            break
    return {
        "peer": name,
        "build_s": build_s,
        "peak_mb": peak_mb(),
        "text_mb": megabytes,
        "found_per_kb": found / megabytes / 1000,
        "detect_mb_s": megabytes / (time.process_time() - begun),
    }


def spacy_matcher(names: list[str]) -> Callable[[str], int]:
    """Make a PhraseMatcher that ignores case."""
    import spacy
    from spacy.matcher import PhraseMatcher

    nlp = spacy.blank("en")
    matcher = PhraseMatcher(nlp.vocab, attr="LOWER")
    for first in range(0, len(names), 10_000):  # a Doc of every name at once would not fit
        matcher.add("name", [nlp.make_doc(name) for name in names[first : first + 10_000]])
    return lambda text: len(matcher(nlp.make_doc(text)))


def flashtext2_matcher(names: list[str]) -> Callable[[str], int]:
    """Make a KeywordProcessor that ignores case; it finds the longest names only, none that overlap."""
    from flashtext2 import KeywordProcessor

    processor = KeywordProcessor(case_sensitive=False)
    processor.add_keywords_from_iter(names)
    return lambda text: len(processor.extract_keywords(text))


def tfidf_matcher(names: list[str]) -> Callable[[str], int]:
    """Compare every one to three words of a text with every name by their letters in threes.

    As scispaCy (Neumann et al. 2019) weights them: in at least ten names, by TF-IDF, the nearest by cosine,
    here of at least 0.9. It asks an index for the nearest roughly, which has no build for this Python; here
    each is compared with all names that share letters with it, exactly. It leaves finding to a tagger.
    """
    import re

    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), min_df=10, dtype=np.float32)
    weights = vectorizer.fit_transform(names).T.tocsr()

    def find(text: str) -> int:
        words = re.findall(r"\w+", text)
        asked = [" ".join(words[i : i + n]) for n in (1, 2, 3) for i in range(len(words) - n + 1)]
        found = 0
        for first in range(0, len(asked), 20):  # what a few have in common with a million names fits
            likeness = vectorizer.transform(asked[first : first + 20]) @ weights
            found += int((likeness.max(1).toarray() >= 0.9).sum())
        return found

    return find


def quickest(work: Callable[[], Any]) -> tuple[float, Any]:
    """Do some work several times; give the fewest seconds of the processor, and the last result."""
    seconds, result = math.inf, None
    for _ in range(PASSES):
        result = None  # the one before is not held beside the next
        begun = time.process_time()
        result = work()
        seconds = min(seconds, time.process_time() - begun)
    return seconds, result


def read_lines(path: Path) -> list[str]:
    """Read a file's lines; only line feeds end them."""
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def resident_mb() -> float:
    """Give the memory that this process holds now."""
    return _memory_mb("VmRSS")


def peak_mb() -> float:
    """Give the most memory that this process held; what `getrusage` tells counts its parent's too."""
    return _memory_mb("VmHWM")


def _memory_mb(key: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024


# The table and the plot


COLUMNS = {
    "aliases": "aliases",
    "language": "text",
    "build_s": "build s",
    "saved_mb": "saved MB",
    "load_s": "load s",
    "scanner_mb": "scanner MB",
    "resident_mb": "resident MB",
    "found_per_kb": "found/kB",
    "normalise_mb_s": "normalise MB/s",
    "scan_mb_s": "scan MB/s",
    "detect_mb_s": "detect MB/s",
}


def line_of(row: Row) -> str:
    """Give a row of the table; a cell is as wide as its head."""
    cells = (_shown(row.get(key, "")).rjust(max(9, len(head))) for key, head in COLUMNS.items())
    return "  ".join(cells) + (f"  {row['peer']} {row.get('missing', '')}" if "peer" in row else "")


def _shown(value: str | float) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return value if isinstance(value, str) else f"{value:,}"


def missed_bars(row: Row) -> list[str]:
    """List the bars for a million aliases that a row does not reach."""
    if row["aliases"] != 1_000_000:
        return []
    over = [key for key in ("build_s", "load_s", "resident_mb") if row[key] >= BARS[key]]
    return over + (["detect_mb_s"] if row["detect_mb_s"] < BARS[row["language"]] else [])


def plot(rows: list[Row]) -> str:
    """Draw seconds of building, loading and scanning over numbers of aliases, both logarithmic."""
    shown = {"build_s": ("#06c", "build"), "load_s": ("#c60", "load"), "scan_s": ("#0a6", "scan the texts")}
    sizes = sorted({row["aliases"] for row in rows})
    costs = [max(row[key], 1e-3) for row in rows for key in shown]
    low, high = math.log10(min(costs)), math.log10(max(costs))

    def place(row: Row, key: str) -> tuple[float, float]:
        across = math.log(row["aliases"] / sizes[0]) / math.log(sizes[-1] / sizes[0])
        up = (math.log10(max(row[key], 1e-3)) - low) / (high - low)
        return EDGE + across * (WIDTH - 2.5 * EDGE), HEIGHT - EDGE - up * (HEIGHT - 2 * EDGE)

    drawn = []
    for language, dash in (("en", ""), ("zh", ' stroke-dasharray="5 3"')):
        some = [row for row in rows if row["language"] == language]
        for key, (colour, word) in shown.items():
            points = [place(row, key) for row in some]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
            for row, (x, y) in zip(some, points, strict=True):
                drawn.append(f'<text x="{x:.1f}" y="{y - 6:.1f}" text-anchor="middle">{row[key]:.2g}</text>')
            if points:
                x, y = points[-1]
                drawn.append(
                    f'<text x="{x + 14:.1f}" y="{y + 4:.1f}" fill="{colour}">{word}, {language}</text>'
                )
    for row in rows:
        x, _ = place(row, "scan_s")
        drawn.append(
            f'<text x="{x:.1f}" y="{HEIGHT - EDGE / 2}" text-anchor="middle">{row["aliases"]:,}</text>'
        )
    title = "Processor seconds by number of aliases; dashed: Chinese"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
    head += ' font-size="12">'
    ground = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
    return "\n".join([head, ground, f'<text x="{EDGE}" y="24">{title}</text>', *drawn, "</svg>"]) + "\n"


def child(task: str, folder: Path, python: str = sys.executable, name: str = "") -> Row:
    """Do a task in a process of its own, on one thread."""
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ARROW_NUM_THREADS": "1"}
    command = [python, __file__, "--child", task, str(folder), name]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **threads}
    )
    return dict(json.loads(done.stdout))


def measure(count: int, language: str, given: argparse.Namespace) -> list[Row]:
    """Measure a number of aliases, and the peers with the same."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_corpus(folder, count, language)
        about: Row = {"aliases": count, "language": language}
        rows = [about | child("build", folder) | child("read", folder)]
        if language == "en" and count <= given.peer_aliases:
            rows += [about | child("peer", folder, given.peer_python, peer) for peer in PEERS]
    return rows


def main() -> None:
    """Measure all sizes; print a table, and what does not reach the bars for a million."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--aliases", type=int, nargs="+", default=ALIASES, help="sizes, ascending")
    parser.add_argument("--languages", nargs="+", default=["en", "zh"], choices=["en", "zh"])
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has the peers")
    parser.add_argument("--peer-aliases", type=int, default=1_000_000, help="the most that peers get")
    parser.add_argument("--out", type=Path, help="a JSON file to write")
    parser.add_argument("--plot", type=Path, help="an SVG file to write")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        task, folder, name = given.child
        row = (
            peer(Path(folder), name) if task == "peer" else {"build": build, "read": read}[task](Path(folder))
        )
        print(
            json.dumps(
                {key: round(value, 4) if isinstance(value, float) else value for key, value in row.items()}
            )
        )
        return
    rows: list[Row] = []
    print("  ".join(head.rjust(max(9, len(head))) for head in COLUMNS.values()), flush=True)
    for count in given.aliases:
        for language in given.languages:
            for row in measure(count, language, given):
                rows.append(row)
                print(line_of(row), flush=True)
    ours = [row for row in rows if "peer" not in row]
    for row in ours:
        for key in missed_bars(row):
            print(f"below the bar at {row['aliases']:,}, {row['language']}: {key} {row[key]:.3g}")
    for path, content in (
        (given.out, json.dumps(rows, indent=1) + "\n"),
        (given.plot, plot(ours) if len(given.aliases) > 1 else ""),
    ):
        if path and content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
