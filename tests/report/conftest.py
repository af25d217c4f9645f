"""One made-up run, with every part of the results that the report knows."""

import math

import pytest

ARMS = ("exact", "ngram", "untouched", "shuffled", "grafted")
Node = dict[str, object]


def interval(value: float, half: float) -> Node:
    """Give a value with a symmetric interval inside 0..1."""
    return {"value": value, "low": max(0.0, value - half), "high": min(1.0, value + half)}


def difference(first: str, second: str, value: float, half: float) -> Node:
    """Give a contrast whose verdict follows from its interval."""
    low, high = value - half, value + half
    verdict = "helped" if low > 0 else "hurt" if high < 0 else "no evidence"
    return {"a": first, "b": second, "difference": value, "low": low, "high": high, "verdict": verdict}


def task(name: str, title: str, size: int, values: tuple[float, ...]) -> Node:
    """Give a task with five arms, three contrasts and three slices."""
    found = dict(zip(ARMS, values, strict=True))
    arms: Node = {
        arm: interval(value, 0.024 if value else 0.003)
        | {"acc@5": interval(value * 1.6, 0.027), "mrr": interval(value * 1.3, 0.022)}
        for arm, value in found.items()
    }
    pairs = [("grafted", "untouched"), ("grafted", "shuffled"), ("shuffled", "untouched")]
    slices = [
        ("low string overlap", 702, 0.6),
        ("high string overlap", 555, 1.5),
        ("rare concepts", 214, 0.8),
    ]
    return {
        "name": name,
        "title": title,
        "metric": "acc@1",
        "n": size,
        "arms": arms,
        "contrasts": [difference(a, b, found[a] - found[b], 0.025) for a, b in pairs],
        "slices": [
            {"name": label, "n": count, "arms": {arm: value * factor for arm, value in found.items()}}
            for label, count, factor in slices
        ],
    }


CASES = [
    ("dumbness of the hands", "HP:0001325", "Numbness of the hand", (17, 40, 1)),
    ("can't smell", "HP:0000458", "Anosmia", (6, 9, 1)),
    ("knock knees", "HP:0002857", "Genu valgum", (212, 305, 1)),
    ("water on the brain", "HP:0000238", "Hydrocephalus", (33, 21, 1)),
    ("narrow head", "HP:0000268", "Dolichocephaly", (1, 4, 3)),
    ("swelling of the eyelid", "HP:0100540", "Palpebral edema", (1, 2, 2)),
    ("no tears", "HP:0009926", "Alacrima", (1, 1, 5)),
    ("outward facing feet", "HP:0001763", "Pes planovalgus", (1, 12, 2)),
    ("brittle nails", "HP:0001808", "Fragile nails", (1, 1, 1)),
    (
        "low number of red blood cells or haemoglobin in the newborn",
        "HP:0001903",
        "Neonatal anemia",
        (2, 5, 2),
    ),
    ("curved little finger", "HP:0004209", "Clinodactyly of the 5th finger", (88, 130, 4)),
    ("early puberty", "HP:0000826", "Precocious puberty", (1, 1, 1)),
]


def example(place: int) -> Node:
    """Give one example card."""
    query, identifier, name, ranks = CASES[place]
    right: Node = {"id": identifier, "name": name, "matched": query.title(), "score": 0.91}
    wrong: list[Node] = [
        {"id": f"HP:000{place}1{n}", "name": other, "matched": other, "score": 0.71 - n / 20}
        for n, other in enumerate(("Abnormality of the hand", "Impaired tactile sensation", "Reduced grip"))
    ]
    arms = dict(zip(("untouched", "shuffled", "grafted"), ranks, strict=True))
    return {
        "group": ("fixed", "broken", "random")[place // 4],
        "query": query,
        "kind": "lay" if place % 3 else "exact",
        "gold": {
            "id": identifier,
            "name": name,
            "description": f"{name}: a made-up definition as long as the usual ones, in one sentence.",
        },
        "answers": {
            arm: [*wrong[: rank - 1], right, *wrong[rank - 1 :]][:3] if rank <= 3 else wrong
            for arm, rank in arms.items()
        },
        "ranks": dict(arms),
    }


def linked(text: str, *links: tuple[str, str, str]) -> Node:
    """Give a text and its links, from the words that are linked."""
    return {
        "text": text,
        "links": [
            {
                "start": text.index(words),
                "end": text.index(words) + len(words),
                "entity": entity,
                "name": name,
                "score": 0.97,
            }
            for words, entity, name in links
        ],
    }


def loss(last: float) -> list[list[float]]:
    """Give a loss curve that falls to `last`."""
    return [
        [step, last + 2.4 * math.exp(-step / 60) + 0.06 * math.sin(step * 1.7)] for step in range(0, 401, 2)
    ]


def graph() -> Node:
    """Give the graph's counts, checks and sources."""
    return {
        "counts": {
            "entities": 32_440,
            "names": 104_112,
            "descriptions": 24_901,
            "triples": 61_204,
            "relations": 9,
        },
        "checks": [
            {"name": "dangling_ids", "level": "pass", "count": 0, "examples": [], "fix": ""},
            {
                "name": "ambiguous_names",
                "level": "warn",
                "count": 412,
                "examples": ["ataxia -> HP:0001251, MONDO:0000437", "cold hands"],
                "fix": "Nothing, if the text tells them apart; else give one of them the kind 'preferred'.",
            },
            {
                "name": "cycles",
                "level": "fail",
                "count": 2,
                "examples": ["HP:0000001 -> HP:0000118 -> HP:0000001"],
                "fix": "Remove one of the edges of each cycle.",
            },
            {"name": "entities_without_name", "level": "pass", "count": 0, "examples": [], "fix": ""},
        ],
        "sources": [
            {
                "name": "Human Phenotype Ontology",
                "version": "2025-01-16",
                "licence": "HPO licence",
                "attribution": "Human Phenotype Ontology Consortium, https://hpo.jax.org",
            },
            {
                "name": "MONDO",
                "version": "2026-05-05",
                "licence": "CC BY 4.0",
                "attribution": "Monarch Initiative, https://mondo.monarchinitiative.org",
            },
        ],
    }


def linking() -> Node:
    """Give what the linker found in the text, with three texts."""
    return {
        "documents": 35_764,
        "mentions": 88_310,
        "documents_with_link": 29_875,
        "by_generator": {"exact": 61_204, "ngram": 19_960, "dense": 7_146},
        "ambiguous": 4_102,
        "examples": [
            linked(
                "A rare disorder with short stature, hearing loss in both ears and, in a third, seizures.",
                ("short stature", "HP:0004322", "Short stature"),
                ("hearing loss in both ears", "HP:0008619", "Bilateral sensorineural hearing impairment"),
                ("seizures", "HP:0001250", "Seizure"),
            ),
            linked(
                "Affected children walk late and have a waddling gait; the serum creatine kinase is raised.",
                ("walk late", "HP:0031936", "Delayed ability to walk"),
                ("waddling gait", "HP:0002515", "Waddling gait"),
            ),
            linked("Nothing in this sentence is in the graph."),
        ],
    }


@pytest.fixture
def results() -> Node:
    """A run that helped."""
    return {
        "schema": 1,
        "name": "demo",
        "date": "2026-11-23",
        "recipe": {
            "name": "demo",
            "graph": {"sources": ["hpo", "mondo"], "languages": ["en"]},
            "pretrain": {"objective": "names", "steps": 400, "batch": 128, "learning_rate": 5e-05},
            "evaluate": {"tasks": ["lay_terms", "synonyms"], "resamples": 10000},
        },
        "seeds": [0],
        "verdict": {
            "status": "helped",
            "sentence": "Knowledge helped: +12.5 points over the untouched encoder and +16.0 points over the "
            "same training on a shuffled graph (95% intervals +10.0 to +15.0 and +13.5 to +18.5), one seed.",
            "not_run": ["continued pre-training on the same text without the graph", "more than one seed"],
        },
        "tasks": [
            task("lay_terms", "Lay terms of held-out concepts", 1257, (0.0, 0.078, 0.135, 0.10, 0.26)),
            task("synonyms", "Synonyms of held-out concepts", 2604, (0.0, 0.31, 0.42, 0.41, 0.43)),
        ],
        "forgetting": {
            "n": 160,
            "metric": "spearman",
            "arms": {
                "untouched": interval(0.742, 0.05),
                "shuffled": interval(0.701, 0.055),
                "grafted": interval(0.738, 0.05),
            },
            "contrast": difference("grafted", "untouched", -0.004, 0.018),
        },
        "examples": [example(place) for place in range(12)],
        "graph": graph(),
        "linking": linking(),
        "leaks": {
            "held_out_concepts": 1_903,
            "held_out_strings": 3_861,
            "names_removed": 4_207,
            "descriptions_removed": 1_744,
            "note": "Names and definitions of held-out concepts were removed before any training.",
        },
        "vectors": {
            **{"model": "transe", "dim": 128, "seconds": 11.2, "train": 303_408, "n": 16_856, "mrr": 0.081},
            **{"popularity": 0.039, "difference": {"value": 0.042, "low": 0.039, "high": 0.046}},
            "relations": [
                {
                    **{"relation": "has_phenotype", "n": 12_775, "mrr": 0.064, "popularity": 0.024},
                    "difference": {"value": 0.04, "low": -0.001, "high": 0.044},
                },
            ],
        },
        "pretraining": {
            "steps": 400,
            "batch": 128,
            "pairs_available": 96_120,
            "arms": {
                "grafted": {"seconds": 271.0, "tokens": 1_204_311, "loss": loss(0.31)},
                "shuffled": {"seconds": 268.4, "tokens": 1_204_311, "loss": loss(1.42)},
            },
        },
        "costs": {
            "minutes": 11.6,
            "stages": [
                {"name": "graph", "seconds": 14.2},
                {"name": "link", "seconds": 38.0},
                {"name": "pretrain", "seconds": 539.4},
                {"name": "evaluate", "seconds": 96.1},
                {"name": "report", "seconds": 0.4},
            ],
            "peak_memory_mb": 1931.0,
            "model_mb": 90.9,
        },
        "reproduce": {
            "command": "loregraft run recipes/demo.yaml",
            "version": "0.1.0",
            "commit": "abc1234",
            "packages": {"torch": "2.13.0+cpu", "transformers": "5.9.1", "numpy": "2.4.0"},
            "inputs": {"hp.obo": "53aa51172d142c89" * 4, "mondo.json": "9012cce15ae4d6cc" * 4},
            "threads": 2,
        },
        "notices": [
            "Not for medical use.",
            "This work uses the Human Phenotype Ontology (release 2025-01-16).",
        ],
    }


@pytest.fixture
def several_seeds(results: Node) -> Node:
    """The same run with three seeds."""
    values = [(0.135, 0.10, 0.26), (0.135, 0.112, 0.251), (0.135, 0.094, 0.268)]
    arms = [dict(zip(("untouched", "shuffled", "grafted"), row, strict=True)) for row in values]
    per_seed = [{"seed": seed, "tasks": {"lay_terms": found}} for seed, found in enumerate(arms)]
    return results | {"seeds": [0, 1, 2], "per_seed": per_seed}


@pytest.fixture
def unhelpful(results: Node) -> Node:
    """A run without a clear gain."""
    verdict = {
        "status": "no evidence",
        "sentence": "No evidence that the knowledge helped: +0.9 points over shuffled (−1.6 to +3.4).",
        "not_run": [],
    }
    tasks = [task("lay_terms", "Lay terms of held-out concepts", 1257, (0.0, 0.078, 0.135, 0.14, 0.149))]
    return results | {"verdict": verdict, "tasks": tasks}
