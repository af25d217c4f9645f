"""Words that stand for one another, learned from the names that entities have."""

import numpy as np

from loregraft.linking.candidates.rewrites import Rewrites
from loregraft.linking.candidates.wording import Wording, split_form, stem

FORMS = (
    "kidney cyst",
    "renal cyst",
    "kidney failure",
    "renal failure",
    "failure of the kidney",
    "kidney stone",
    "renal stone",
    "liver cyst",
    "chronic renal failure",
)
ENTITIES = (0, 0, 1, 1, 1, 2, 2, 3, 4)


def learned():
    wording = Wording.of(FORMS)
    return wording, Rewrites.of(wording, np.arange(len(FORMS)), np.array(ENTITIES, np.int32))


def test_words_that_change_places_in_names_of_an_entity_stand_for_each_other():
    wording, rewrites = learned()
    kidney, renal = wording.number(["kidney", "renal"]).tolist()
    asked, places = rewrites.of_words(np.array([kidney, renal]))
    assert asked.tolist() == [0, 1]
    assert rewrites.others[places].tolist() == [renal, kidney]
    assert rewrites.shares[places[0]] == np.float32(
        3 / (3 + 2)
    )  # three entities show it, of three where kidney can be replaced


def test_what_only_different_entities_show_is_no_rewrite():
    wording, rewrites = learned()
    liver, cyst = wording.number(["liver", "cyst"]).tolist()
    asked, _ = rewrites.of_words(np.array([liver, cyst]))
    assert len(asked) == 0  # "liver cyst" is another entity's name


def test_words_are_stemmed_and_those_without_meaning_left_out():
    assert split_form("degenerations of the axons") == ["degeneration", "axon"]
    assert split_form("type ii cysts") == ["type", "2", "cyst"]
    assert split_form("of the") == ["of", "the"]  # nothing else is there
    assert split_form("covid 19 疫苗") == ["covid", "19", "疫", "苗"]
    assert [stem(word) for word in ("biopsies", "diagnoses", "pelvis", "mass")] == [
        *("biopsy", "diagnosis", "pelvis", "mass")
    ]


def test_rarity_falls_with_the_forms_that_have_a_word_and_is_highest_for_unknown_words():
    wording, _ = learned()
    kidney, liver = wording.number(["kidney", "liver"]).tolist()
    assert wording.rarity[kidney] < wording.rarity[liver] < wording.rarity[wording.unknown]
    assert wording.number(["heart"]).tolist() == [wording.unknown]


def test_bags_do_not_depend_on_order():
    wording, _ = learned()
    assert wording.bags[FORMS.index("kidney failure")] == wording.bags[FORMS.index("failure of the kidney")]
    assert len(set(wording.bags.tolist())) == len(FORMS) - 1
