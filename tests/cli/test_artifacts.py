"""`loregraft verify`: 0 for an intact folder, 1 with the problems for another, 2 for no folder of ours."""

import random

import pytest


def test_intact_folders_say_what_they_are(finished_world, commands):
    for folder, kind in (("out/model", "model"), ("out/graph", "graph"), ("out/links", "links")):
        ran = commands.run("verify", folder, cwd=finished_world)
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.startswith(f"{folder}: a {kind}, intact, ")


def test_a_flipped_byte_is_found(finished_world, commands):
    chance = random.Random(0)
    path = finished_world / "out" / "model" / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 0x10
    path.write_bytes(content)
    ran = commands.run("verify", "out/model", cwd=finished_world)
    assert ran.code == 1
    assert ran.out == "model.safetensors: changed since it was written\n"
    assert ran.err == "out/model: 1 problem(s). Run the command that made it again.\n"


@pytest.mark.parametrize("folder", ["out", "nowhere", "names.tsv"])
def test_what_is_no_artifact_is_refused(folder, finished_world, commands):
    ran = commands.run("verify", folder, cwd=finished_world)
    assert ran.code == 2
    assert ran.err.startswith(f"error: {folder}") and len(ran.err.splitlines()) == 1
