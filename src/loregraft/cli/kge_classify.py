"""What `loregraft kge classify` does with its arguments, and what it says."""

import json
from pathlib import Path
from typing import Any

import typer


def classify_folder(folder: Path, graph_folder: Path, base_rate: float, seed: int, as_json: bool) -> None:
    """Tell true triples of test from false ones; see `loregraft kge classify`."""
    from dataclasses import replace

    from loregraft.cli.kge_rank import open_both, part_must_hold
    from loregraft.kge.judging.calibration import calibrate_on, reliability
    from loregraft.kge.judging.classify import classify, judge, popularity
    from loregraft.kge.parts import parts_of

    vectors, graph = open_both(folder, graph_folder)
    parts = parts_of(graph)
    part_must_hold(parts, "valid", graph_folder)
    part_must_hold(parts, "test", graph_folder)
    valid, test = judge(vectors.tables, parts, "valid", seed), judge(vectors.tables, parts, "test", seed)
    plain = [replace(part, scores=popularity(parts, part.triples)) for part in (valid, test)]
    baseline = classify(plain[0], plain[1], graph.relation_ids)
    told: dict[str, Any] = dict(classify(valid, test, graph.relation_ids))
    told["popularity"] = {name: baseline[name] for name in ("n", "accuracy", "precision", "recall", "f1")}
    told["probability"] = reliability(calibrate_on(valid, base_rate), test)
    told["seed"] = seed
    if as_json:
        typer.echo(json.dumps(told, indent=1))
        return
    _show(told)


def _show(told: dict[str, Any]) -> None:
    rows = {"vectors": told, "one threshold": told["one_threshold"], "popularity": told["popularity"]}
    for name, found in rows.items():
        shown = [f"{metric} {found[metric]:.4f}" for metric in ("accuracy", "precision", "recall", "f1")]
        typer.echo(f"{name:<14} {'  '.join(shown)}  n {found['n']:,}")
    likely = told["probability"]
    for name in ("calibrated", "uncalibrated", "always_base_rate"):
        shown = [f"{metric} {likely[name][metric]:.4f}" for metric in ("ece", "brier") if likely["n"]]
        typer.echo(f"{name.replace('_', ' '):<16} {'  '.join(shown)}")
    if told["not_learnt"]:
        said = "triples, true and false, have an entity or a relation that is in no triple of train"
        typer.echo(f"{told['not_learnt']:,} {said}; none is said to be true", err=True)
    if told["without_false"]:
        said = "true triples of test are left out: whatever entity stands in them makes a known fact"
        typer.echo(f"{told['without_false']:,} {said}", err=True)
